//! What changed in the arguments of single layers between Keras 2 and 3.

use serde_json::{Map, Value, json};

use super::objects::text;
use crate::saving::error::{FileError, Place};

/// Arguments that Keras 3 does not have, because nothing depends on them.
const DROPPED: [(&str, &[&str]); 10] = [
    ("", &["batch_input_shape", "input_dtype", "input_length", "implementation", "time_major", "causal"]),
    ("BatchNormalization", &["fused", "virtual_batch_size", "adjustment", "mode"]),
    ("Conv2DTranspose", &["groups"]),
    ("DepthwiseConv", &["groups", "filters"]),
    ("SeparableConv", &["groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"]),
    ("SpatialDropout", &["noise_shape", "trainable"]),
    ("Discretization", &["trainable"]),
    ("HashedCrossing", &["trainable"]),
    ("MultiHeadAttention", &["query_shape", "key_shape", "value_shape", "softmax_robust_masking"]),
    ("ConvLSTM", &["unroll"]),
];

/// Arguments that Keras 3 does not have although something depends on them, with the values that change nothing.
const MUST_BE_OFF: [&str; 3] = ["time_major", "causal", "virtual_batch_size"];

/// Arguments with new names.
const RENAMED: [(&str, &str, &str); 1] = [("LeakyReLU", "alpha", "negative_slope")];

/// Brings the arguments of one layer up to Keras 3, and its class where that changed too.
pub(super) fn rewrite(
    at: &Place,
    class_name: &mut String,
    config: &mut Map<String, Value>,
) -> Result<(), FileError> {
    for key in MUST_BE_OFF {
        if config.get(key).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))) {
            return Err(at.refused(format!("{class_name} with {key}"), "Keras 3 has no such layer"));
        }
    }
    let dropped = DROPPED.iter().filter(|(class, _)| class_name.starts_with(class));
    for key in dropped.flat_map(|(_, keys)| *keys) {
        config.shift_remove(*key);
    }
    if class_name.ends_with("Conv1DTranspose") || class_name.ends_with("Conv3DTranspose") {
        config.shift_remove("groups");
    }
    for (class, old, new) in RENAMED {
        if class_name == class {
            rename(config, old, new);
        }
    }
    match class_name.as_str() {
        "BatchNormalization" => single_axis(config),
        "GRU" | "GRUCell" => default(config, "reset_after", json!(false)),
        "ThresholdedReLU" => {
            // ReLU learned the threshold.
            rename(config, "theta", "threshold");
            *class_name = "ReLU".to_owned();
        }
        "CuDNNLSTM" | "CuDNNGRU" => {
            default(config, "recurrent_activation", json!("sigmoid"));
            if class_name == "CuDNNGRU" {
                config.insert("reset_after".into(), json!(true));
            }
            *class_name = class_name.trim_start_matches("CuDNN").to_owned();
        }
        _unchanged => {}
    }
    Ok(())
}

/// Gives the value under `old` the name `new`, unless that is there already.
pub(super) fn rename(config: &mut Map<String, Value>, old: &str, new: &str) {
    if let Some(value) = config.shift_remove(old) {
        config.entry(new).or_insert(value);
    }
}

fn default(config: &mut Map<String, Value>, key: &str, value: Value) {
    config.entry(key).or_insert(value);
}

/// Keras 2 wrote the one axis of a batch normalization as a list.
fn single_axis(config: &mut Map<String, Value>) {
    let axis = config.get("axis").and_then(Value::as_array);
    if let Some([axis]) = axis.map(Vec::as_slice) {
        let axis = axis.clone();
        config.insert("axis".into(), axis);
    }
}

/// The input that the first layer of a Sequential brings along when there is no InputLayer before it.
pub(super) fn implied_input(first: &Map<String, Value>) -> Option<Value> {
    let config = first.get("config")?.as_object()?;
    let shape = config.get("batch_input_shape").filter(|shape| shape.is_array())?;
    let dtype = text(config, "input_dtype").or_else(|| text(config, "dtype")).unwrap_or("float32");
    let name = text(config, "name").map_or("input_1".to_owned(), |name| format!("{name}_input"));
    Some(
        json!({"class_name": "InputLayer", "config": {"batch_input_shape": shape, "dtype": dtype, "name": name}}),
    )
}

/// Brings the arguments of an InputLayer up to Keras 3.
pub(super) fn rewrite_input(config: &mut Map<String, Value>) {
    rename(config, "input_dtype", "dtype");
    let shape = config.shift_remove("batch_input_shape");
    if let Some(shape) = shape {
        config.shift_insert(0, "batch_shape".into(), shape);
    }
}
