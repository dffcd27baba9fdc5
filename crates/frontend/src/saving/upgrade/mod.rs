//! Configurations of earlier Keras, rewritten as Keras 3 would write the same model in a `.keras` file.
//!
//! Whoever builds a model from a configuration then has one form to know. Only what Keras itself defined is rewritten:
//! entries of any other module stay as they are, to be refused by whoever looks for their class.
//!
//! One thing has no name in Keras 3: the `hard_sigmoid` of Keras 1 and 2, clip(0.2x + 0.5, 0, 1). It is called
//! [`KERAS2_HARD_SIGMOID`] in what comes out.

mod compile;
mod keras1;
mod keras2;
mod layers;
mod nodes;
mod objects;
mod optimizer;
mod slots;
mod tensorflow;

use serde_json::Value;

use super::error::{FileError, Place};

pub use slots::{Slot, Stored, optimizer_slots};

/// The name of the old `hard_sigmoid` in upgraded configurations.
pub const KERAS2_HARD_SIGMOID: &str = "keras2_hard_sigmoid";

/// The Keras whose conventions a configuration follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// Until 1.2.2, March 2017.
    Keras1,
    /// 2.0 to 2.15, whether by itself, in TensorFlow or as `tf_keras`.
    Keras2,
    /// 3.0 and later.
    Keras3,
}

impl Generation {
    /// The generation of a version: `1.2.2`, `2.2.4-tf`, `3.15.1`. The oldest files have none.
    pub fn of(keras_version: Option<&str>) -> Generation {
        match keras_version.and_then(|version| version.split('.').next()) {
            Some("0" | "1") | None => Generation::Keras1,
            Some("2") => Generation::Keras2,
            Some(_) => Generation::Keras3,
        }
    }
}

/// The model in Keras 3's form. Legacy files of Keras 3 itself lack the modules of their layers; they get them here.
/// What an archive of Keras 3 holds is returned as it is.
pub fn model(at: &Place, config: Value, generation: Generation) -> Result<Value, FileError> {
    match generation {
        Generation::Keras1 => keras2::model(at, keras1::model(at, config)?, generation),
        Generation::Keras3 if config.get("module").is_some() => Ok(config),
        Generation::Keras2 | Generation::Keras3 => keras2::model(at, config, generation),
    }
}

/// The compile configuration in Keras 3's form, from the `training_config` of a legacy file or the `compile_config` of
/// an archive. `outputs` are the names of the model's outputs in order, which earlier Keras put before the names of
/// metrics.
pub fn compile(config: Value, outputs: &[String], generation: Generation) -> Value {
    compile::compile(config, outputs, generation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn upgraded(config: Value, generation: Generation) -> Value {
        model(&Place::file("test"), config, generation).expect("a model")
    }

    fn tensor(layer: &str, node: i64, tensor: i64) -> Value {
        let history = json!([layer, node, tensor]);
        let config = json!({"shape": [], "dtype": "float32", "keras_history": history});
        json!({"class_name": "__keras_tensor__", "config": config})
    }

    #[test]
    fn a_sequential_of_keras_2() {
        let dense = json!({"class_name": "Dense", "config": {
            "name": "dense", "dtype": "float32", "batch_input_shape": [null, 4], "units": 3,
            "activation": "hard_sigmoid",
            "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": null, "dtype": "float32"}},
        }});
        let model = json!({"class_name": "Sequential", "config": {"name": "s", "layers": [dense]}});
        let policy = json!({
            "module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null,
        });
        let input = json!({"batch_shape": [null, 4], "dtype": "float32", "name": "dense_input"});
        let dense = json!({
            "name": "dense", "dtype": policy, "units": 3, "activation": KERAS2_HARD_SIGMOID,
            "kernel_initializer": {
                "module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": null},
                "registered_name": null,
            },
        });
        let layers = json!([
            {"module": "keras.layers", "class_name": "InputLayer", "config": input, "registered_name": null},
            {"module": "keras.layers", "class_name": "Dense", "config": dense, "registered_name": null},
        ]);
        let expected = json!({
            "module": "keras", "class_name": "Sequential", "registered_name": null,
            "config": {"name": "s", "trainable": true, "dtype": policy, "layers": layers},
        });
        assert_eq!(upgraded(model, Generation::Keras2), expected);
    }

    #[test]
    fn edges_of_a_functional_model() {
        let layer = |class: &str, name: &str, config: Value, nodes: Value| {
            let mut layer = json!({"class_name": class, "name": name});
            (layer["config"], layer["inbound_nodes"]) = (config, nodes);
            layer
        };
        let inner = json!({"name": "inner", "layers": [], "input_layers": [], "output_layers": []});
        let model = json!({"class_name": "Model", "config": {
            "name": "m",
            "layers": [
                layer("InputLayer", "x", json!({"name": "x", "batch_input_shape": [null, 3]}), json!([])),
                layer("Functional", "inner", inner, json!([[["x", 0, 0, {}]]])),
                layer("Add", "add", json!({"name": "add"}), json!([[["x", 0, 0, {}], ["inner", 1, 0, {}]]])),
                layer("LSTM", "lstm", json!({"name": "lstm"}), json!([[["add", 0, 0], ["x", 0, 0], ["x", 0, 0]]])),
                layer("MultiHeadAttention", "a", json!({"name": "a"}), json!([[["x", 0, 0, {"value": ["x", 0, 0]}]]])),
                layer("TFOpLambda", "t", json!({"name": "t", "function": "math.subtract"}),
                    json!([["_CONSTANT_VALUE", -1, 1.0, {"y": ["a", 0, 0], "name": null}]])),
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["inner", 1, 0], ["t", 0, 0]],
        }});
        let upgraded = upgraded(model, Generation::Keras2);
        let layers = upgraded["config"]["layers"].as_array().expect("layers");
        let args: Vec<&Value> = layers.iter().map(|layer| &layer["inbound_nodes"][0]["args"]).collect();
        let (x, states) = (tensor("x", 0, 0), json!([tensor("x", 0, 0), tensor("x", 0, 0)]));
        assert_eq!(args[1], &json!([x]));
        assert_eq!(args[2], &json!([[x, tensor("inner", 0, 0)]]));
        assert_eq!(args[3], &json!([tensor("add", 0, 0)]));
        assert_eq!(layers[3]["inbound_nodes"][0]["kwargs"], json!({"initial_state": states}));
        assert_eq!(layers[4]["inbound_nodes"][0]["kwargs"], json!({"value": x}));
        assert_eq!(args[5], &json!([1.0, tensor("a", 0, 0)]));
        assert_eq!(
            (&layers[5]["module"], &layers[5]["class_name"]),
            (&json!("keras.src.ops.numpy"), &json!("Subtract"))
        );
        assert_eq!(upgraded["config"]["input_layers"], json!(["x", 0, 0]));
        // Keras 3 counts the node of a functional model here too.
        assert_eq!(upgraded["config"]["output_layers"], json!([["inner", 1, 0], ["t", 0, 0]]));
    }

    #[test]
    fn a_sequential_of_keras_1() {
        let layers = json!([
            {"class_name": "Convolution2D", "config": {
                "name": "c", "batch_input_shape": [null, 8, 8, 1], "input_dtype": "float32", "nb_filter": 4,
                "nb_row": 3,
                "nb_col": 2, "subsample": [1, 1], "border_mode": "same", "dim_ordering": "tf", "bias": true,
                "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.1}, "activation": "relu",
            }},
            {"class_name": "Dropout", "config": {"name": "d", "p": 0.5}},
            {"class_name": "GRU", "config": {
                "name": "g", "output_dim": 3, "inner_activation": "hard_sigmoid", "consume_less": "cpu",
                "dropout_W": 0.1,
            }},
            {"class_name": "Merge", "config": {"name": "m", "mode": "concat", "concat_axis": 1}},
        ]);
        let upgraded = upgraded(json!({"class_name": "Sequential", "config": layers}), Generation::Keras1);
        let layers = upgraded["config"]["layers"].as_array().expect("layers");
        assert_eq!(layers[0]["config"]["batch_shape"], json!([null, 8, 8, 1]));
        let conv = &layers[1]["config"];
        assert_eq!(layers[1]["class_name"], "Conv2D");
        assert_eq!((&conv["filters"], &conv["kernel_size"]), (&json!(4), &json!([3, 2])));
        assert_eq!((&conv["padding"], &conv["data_format"]), (&json!("same"), &json!("channels_last")));
        assert_eq!(conv["kernel_regularizer"]["config"], json!({"l1": 0.0, "l2": 0.1}));
        assert_eq!(layers[2]["config"], json!({"name": "d", "rate": 0.5}));
        let gru = json!({
            "name": "g", "units": 3, "recurrent_activation": KERAS2_HARD_SIGMOID, "dropout": 0.1, "reset_after": false,
        });
        assert_eq!(layers[3]["config"], gru);
        assert_eq!(
            (&layers[4]["class_name"], &layers[4]["config"]["axis"]),
            (&json!("Concatenate"), &json!(1))
        );
    }

    #[test]
    fn what_is_not_keras_own_stays_what_it_is() {
        let foreign = json!({"module": "os", "class_name": "Dense", "config": {"name": "x"}});
        let custom = json!({"class_name": "pkg>Dense", "config": {"name": "y"}});
        let model = json!({"class_name": "Sequential", "config": {"layers": [foreign, custom]}});
        let upgraded = upgraded(model, Generation::Keras2);
        assert_eq!(upgraded["config"]["layers"], json!([foreign, custom]));
    }

    #[test]
    fn how_keras_2_compiled() {
        let wrapper = |name: &str, function: &str| {
            let config = json!({"name": name, "dtype": "float32", "fn": function});
            json!({"class_name": "MeanMetricWrapper", "config": config})
        };
        let training = json!({
            "loss": {"o": {"class_name": "Huber", "config": {"reduction": "auto", "delta": 2.0, "fn": "huber"}}},
            "metrics": [
                [wrapper("o_accuracy", "sparse_categorical_accuracy")],
                [wrapper("p_mae", "mean_absolute_error"), wrapper("p_mine", "mean_absolute_error")],
            ],
            "optimizer_config": {"class_name": "Custom>SGD", "config": {"lr": 0.1, "decay": 0.5, "jit_compile": false}},
        });
        let outputs = ["o".to_owned(), "p".to_owned()];
        let compiled = compile(training, &outputs, Generation::Keras2);
        let rate = &compiled["optimizer"]["config"]["learning_rate"];
        assert_eq!(compiled["optimizer"]["class_name"], "SGD");
        assert_eq!(
            (&rate["class_name"], &rate["config"]["decay_rate"]),
            (&json!("InverseTimeDecay"), &json!(0.5))
        );
        assert_eq!(
            compiled["loss"]["o"]["config"],
            json!({"reduction": "sum_over_batch_size", "delta": 2.0})
        );
        assert_eq!(
            (&compiled["metrics"][0], &compiled["metrics"][1][0]),
            (&json!(["accuracy"]), &json!("mae"))
        );
        assert_eq!(compiled["metrics"][1][1]["class_name"], "MeanAbsoluteError");
        assert_eq!(compiled["metrics"][1][1]["config"]["name"], "mine");
        let single = compile(
            json!({"loss": "mse", "metrics": [[wrapper("acc", "binary_accuracy")]]}),
            &outputs[..1],
            Generation::Keras2,
        );
        assert_eq!(single["metrics"], json!(["acc"]));
    }

    #[test]
    fn nonsense_is_an_error() {
        for config in [
            json!(3),
            json!({}),
            json!({"class_name": "Sequential"}),
            json!({"class_name": "Model", "config": {}}),
        ] {
            assert!(model(&Place::file("test"), config, Generation::Keras2).is_err());
        }
    }

    #[test]
    fn versions() {
        assert_eq!(Generation::of(None), Generation::Keras1);
        assert_eq!(Generation::of(Some("1.2.2")), Generation::Keras1);
        assert_eq!(Generation::of(Some("2.2.4-tf")), Generation::Keras2);
        assert_eq!(Generation::of(Some("3.0.0")), Generation::Keras3);
    }
}
