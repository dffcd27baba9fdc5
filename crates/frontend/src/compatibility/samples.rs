//! Samples: a layer of each class, to ask it for its arguments.

use serde_json::{Value, json};

use crate::error::Result;
use crate::layers::{AnyLayer, Config, layer_from_config};

/// A layer of this class. Classes leave arguments alone that are not theirs, so nearly all are made from one list.
pub(super) fn sample(class: &str) -> Result<AnyLayer> {
    let mut config = object(json!({
        "activation": "relu", "alpha": 1.0, "axes": 1, "batch_shape": [null, 2], "dims": [1], "filters": 2,
        "cell": dense_like("LSTMCell"), "cells": [dense_like("LSTMCell")], "layer": dense_like("Dense"),
        "factor": 0.2, "function": "f", "head_dim": 2, "height": 2, "height_factor": 0.2, "input_dim": 2,
        "kernel_size": 2, "key_dim": 2, "n": 2, "num_bins": 2, "num_heads": 2, "num_key_value_heads": 2,
        "num_query_heads": 2, "num_tokens": 2, "output_dim": 2, "output_size": 2, "pool_size": 2, "rate": 0.5,
        "lora_rank": 2, "stddev": 0.5, "target_shape": [2], "units": 2, "width": 2, "width_factor": 0.2,
    }));
    let own = match class {
        "Bidirectional" => json!({"layer": dense_like("LSTM")}),
        "EinsumDense" => json!({"equation": "ab,bc->ac", "output_shape": [2]}),
        "RandomPosterization" => json!({"factor": 4}),
        "Rescaling" => json!({"scale": 2.0}),
        _ => json!({}),
    };
    config.extend(object(own));
    layer_from_config(class, None, &config)
}

fn dense_like(class: &str) -> Value {
    json!({"module": "keras.layers", "class_name": class, "config": {"name": "inner", "units": 2}})
}

fn object(value: Value) -> Config {
    value.as_object().cloned().unwrap_or_default()
}
