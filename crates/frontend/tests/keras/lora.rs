//! Low-rank adaptation: enabled on a model that is built, trained and saved, as by real Keras.

use std::path::Path;

use cornu::layers::{
    Conv1D, Dense, Dropout, Embedding, Flatten, Input, Lora, MultiHeadAttention, Naming, Sublayer,
};
use cornu::{Apply, Compile, DType, Model, Sequential, Summary, Tensor, Tensors, input};
use serde_json::Value;

use crate::reading::*;

const TOLERANCE: f64 = 1e-4;

/// The model of `lora.json` before it is adapted.
fn plain() -> Model {
    let layers = Sequential::new()
        .name("adapted")
        .add(Input::new([6]).dtype(DType::I32))
        .add(Embedding::new(9, 4).named("words"))
        .add(Conv1D::new(5, 3).activation("relu").named("windows"))
        .add(Flatten::new().named("flat"))
        .add(Dense::new(3).activation("tanh").kernel_regularizer("l2").named("hidden"))
        .add(Dense::new(1).named("score"));
    layers.build().expect("a model")
}

/// The model of `lora.json`, adapted and compiled.
fn adapted() -> Model {
    let mut model = plain();
    for (name, lora) in
        [("words", Lora::new(2)), ("windows", Lora::new(2).alpha(6.0)), ("hidden", Lora::new(2).alpha(1.0))]
    {
        model.get_layer(name).and_then(|layer| layer.enable_lora(lora)).expect(name);
    }
    model.compile(Compile::new("sgd", "mean_squared_error")).expect("compiled");
    model
}

fn one(value: &Value) -> Tensors {
    Tensors::InOrder(vec![array(value).into()])
}

fn assert_weights(model: &Model, expected: &Value) {
    let values = model.get_weights().expect("weights");
    let (names, expected) = (model.weight_names(), items(expected));
    assert_eq!(values.len(), expected.len(), "{names:?}");
    for ((name, value), expected) in names.iter().zip(&values).zip(expected) {
        assert!(text(&expected["path"]).ends_with(name.as_str()), "{name} stands where {}", expected["path"]);
        assert_close(name, value, &numbers(&expected["data"]), TOLERANCE);
    }
}

fn assert_predicts(model: &mut Model, case: &Value) {
    let output = model.predict_tensors(one(&case["x"]), 32).expect("predicted");
    assert_close("y", &output[0], &numbers(&case["y"]["data"]), TOLERANCE);
}

#[test]
fn an_adapted_model_trains_and_is_saved_as_in_keras() {
    let case = fixture("lora.json");
    let mut model = adapted();
    let start: Vec<Tensor> = items(&case["start_weights"]).iter().map(array).collect();
    model.set_weights(&start).expect("weights that fit");
    for expected in numbers(&case["losses"]) {
        let logs = model.train_on_batch(one(&case["x"]), one(&case["targets"])).expect("a step");
        let loss = logs.get("loss").expect("a loss");
        assert!((loss - expected).abs() < TOLERANCE, "the loss is {loss}, not {expected}");
    }
    assert_weights(&model, &case["weights"]);
    assert_predicts(&mut model, &case);
    assert_eq!(model.summary_with(Summary::new().line_length(88)).trim(), text(&case["summary"]).trim());

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lora.keras");
    model.save(&path).expect("saved");
    for path in [path, Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lora.keras")] {
        let mut opened = Model::load(&path).expect("opened");
        assert_weights(&opened, &case["opened_weights"]);
        assert_predicts(&mut opened, &case);
    }
    // The old format knows of no merging.
    let path = folder.path().join("lora.h5");
    model.save(&path).expect("saved");
    let mut opened = Model::load(&path).expect("opened");
    assert_weights(&opened, &case["weights"]);
    assert_predicts(&mut opened, &case);
}

#[test]
fn a_model_keeps_its_weights_when_it_is_adapted() {
    let mut model = plain();
    let case = fixture("lora.json");
    let before = model.predict_tensors(one(&case["x"]), 8).expect("predicted");
    let count = model.count_params();
    model.get_layer("hidden").and_then(|layer| layer.enable_lora(2)).expect("enabled");
    // Until the model is compiled, nothing is different, for batches of another size neither.
    let some = model.predict_tensors(one(&case["x"]), 4).expect("predicted");
    assert_eq!((&some, model.count_params()), (&before, count));
    model.compile(Compile::new("sgd", "mse")).expect("compiled");
    let after = model.predict_tensors(one(&case["x"]), 8).expect("predicted");
    assert_eq!(after, before);
    assert_eq!(model.count_params(), count + 2 * (20 + 3));
    let weights = model.get_weights().expect("weights");
    let at = |name: &str| &weights[model.weight_names().iter().position(|known| known == name).expect(name)];
    assert!(at("hidden/lora_kernel_a").floats().iter().any(|&value| value != 0.0));
    assert!(at("hidden/lora_kernel_b").floats().iter().all(|&value| value == 0.0));
}

#[test]
fn layers_inside_an_attention_are_adapted() {
    let x = input([4, 6]);
    let attended = MultiHeadAttention::new(2, 3).named("attention").apply([&x, &x]);
    let mut model = Model::new(&x, Dense::new(1).apply(&attended)).expect("a model");
    let attention = model.get_layer("attention").expect("there");
    for Sublayer { attribute, layer } in attention.layer().sublayers() {
        if ["query_dense", "value_dense"].contains(&attribute.as_str()) {
            layer.enable_lora(2).expect("enabled");
        }
    }
    model.compile(Compile::new("adam", "mse")).expect("compiled");
    let number = |count: usize| (0..count).map(|i| (i * 7 % 11) as f64 / 5.0 - 1.0).collect();
    let given = || Tensors::InOrder(vec![floats(&[3, 4, 6], number(72)).into()]);
    let before = model.get_weights().expect("weights");
    for _ in 0..2 {
        let wanted = Tensors::InOrder(vec![floats(&[3, 4, 1], number(12)).into()]);
        model.train_on_batch(given(), wanted).expect("a step");
    }
    let moved: Vec<String> = std::iter::zip(before, model.get_weights().expect("weights"))
        .zip(model.weight_names())
        .filter_map(|((before, after), name)| (before != after).then_some(name))
        .collect();
    let has = |name: &str| moved.iter().any(|moved| moved.ends_with(name));
    assert!(has("query/lora_kernel_a") && has("value/lora_kernel_b") && has("key/kernel"), "{moved:?}");
    assert!(!has("query/kernel") && !has("value/kernel"), "{moved:?}");

    // As in Keras, files say nothing of it: what comes back is the model with the matrices merged.
    let folder = tempfile::tempdir().expect("a folder");
    model.save(folder.path().join("attention.keras")).expect("saved");
    let mut opened = Model::load(folder.path().join("attention.keras")).expect("opened");
    assert!(opened.weight_names().iter().all(|name| !name.contains("lora")));
    let outputs =
        [&mut model, &mut opened].map(|model| model.predict_tensors(given(), 32).expect("predicted"));
    assert_close("y", &outputs[1][0], &outputs[0][0].floats(), 1e-6);
}

#[test]
fn what_cannot_be_adapted_says_why() {
    let complaint = |layer: cornu::layers::AnyLayer, rank: usize| {
        layer.enable_lora(rank).expect_err("it cannot be adapted").to_string()
    };
    let constrained = Dense::new(3).kernel_constraint("non_neg").named("d");
    assert!(complaint(constrained, 2).contains("Dense: `kernel_constraint` must be left out"));
    let constrained = Embedding::new(3, 2).embeddings_constraint("non_neg").named("e");
    assert!(complaint(constrained, 2).contains("Embedding: `embeddings_constraint` must be left out"));
    assert!(complaint(Dropout::new(0.5).named("d"), 2).contains("Dropout has no kernel"));
    assert!(complaint(Dense::new(3).named("d"), 0).contains("`lora_rank` must be 1 or more"));
    assert!(complaint(Dense::new(3).lora_rank(2).named("d"), 2).contains("enabled already"));
    let built =
        Sequential::new().add(Input::new([2])).add(Dense::new(3).kernel_constraint("non_neg").lora_rank(1));
    let error = built.build().err().expect("refused").to_string();
    assert!(error.contains("`kernel_constraint` must be left out"), "{error}");
}
