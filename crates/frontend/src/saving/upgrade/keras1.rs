//! Models of Keras 1, rewritten as Keras 2 would write them: classes and arguments had other names.

use serde_json::{Map, Value, json};

use super::layers::rename;
use super::objects::text;
use crate::saving::error::{FileError, Place};

/// Classes with new names.
const CLASSES: [(&str, &str); 8] = [
    ("Convolution1D", "Conv1D"),
    ("Convolution2D", "Conv2D"),
    ("Convolution3D", "Conv3D"),
    ("Deconvolution2D", "Conv2DTranspose"),
    ("AtrousConvolution1D", "Conv1D"),
    ("AtrousConvolution2D", "Conv2D"),
    ("SeparableConvolution2D", "SeparableConv2D"),
    // A Dense has worked on the last axis, whatever the rank, since Keras 2.
    ("TimeDistributedDense", "Dense"),
];

/// Arguments with new names, in all layers that have them.
const RENAMED: [(&str, &str); 28] = [
    ("nb_filter", "filters"),
    ("filter_length", "kernel_size"),
    ("subsample", "strides"),
    ("subsample_length", "strides"),
    ("stride", "strides"),
    ("pool_length", "pool_size"),
    ("border_mode", "padding"),
    ("atrous_rate", "dilation_rate"),
    ("init", "kernel_initializer"),
    ("inner_init", "recurrent_initializer"),
    ("depthwise_init", "depthwise_initializer"),
    ("pointwise_init", "pointwise_initializer"),
    ("beta_init", "beta_initializer"),
    ("gamma_init", "gamma_initializer"),
    ("inner_activation", "recurrent_activation"),
    ("W_regularizer", "kernel_regularizer"),
    ("U_regularizer", "recurrent_regularizer"),
    ("b_regularizer", "bias_regularizer"),
    ("W_constraint", "kernel_constraint"),
    ("U_constraint", "recurrent_constraint"),
    ("b_constraint", "bias_constraint"),
    ("bias", "use_bias"),
    ("p", "rate"),
    ("sigma", "stddev"),
    ("dropout_W", "dropout"),
    ("dropout_U", "recurrent_dropout"),
    ("length", "size"),
    ("output_dim", "units"),
];

/// Arguments that said something about the input, or how to compute; Keras 2 does without.
const DROPPED: [&str; 3] = ["input_dim", "consume_less", "weights"];

/// The model in the form of Keras 2.
pub(super) fn model(at: &Place, model: Value) -> Result<Value, FileError> {
    match model {
        Value::Object(entry) => layer(at, entry).map(Value::Object),
        other => Ok(other),
    }
}

fn layer(at: &Place, mut entry: Map<String, Value>) -> Result<Map<String, Value>, FileError> {
    let mut class_name = text(&entry, "class_name").unwrap_or_default().to_owned();
    let config = match entry.shift_remove("config") {
        // A Sequential's config is the list of its layers.
        Some(Value::Array(layers)) => Value::Array(each(at, layers)?),
        Some(Value::Object(mut config)) => {
            match config.shift_remove("layers") {
                Some(Value::Array(layers)) => {
                    drop(config.insert("layers".into(), Value::Array(each(at, layers)?)))
                }
                Some(_) | None => arguments(at, &mut class_name, &mut config)?,
            }
            Value::Object(config)
        }
        Some(other) => other,
        None => Value::Null,
    };
    entry.insert("class_name".into(), json!(class_name));
    entry.insert("config".into(), config);
    Ok(entry)
}

fn each(at: &Place, layers: Vec<Value>) -> Result<Vec<Value>, FileError> {
    layers.into_iter().map(|layer| model(at, layer)).collect()
}

fn arguments(at: &Place, class_name: &mut String, config: &mut Map<String, Value>) -> Result<(), FileError> {
    if let Some(Value::Object(inner)) = config.shift_remove("layer") {
        config.insert("layer".into(), Value::Object(layer(at, inner)?));
    }
    if class_name == "Merge" {
        return merge(at, class_name, config);
    }
    if class_name == "BatchNormalization" && config.get("mode").is_some_and(|mode| mode != 0) {
        return Err(at.refused("a BatchNormalization of another mode than 0", "Keras 2 knows only this one"));
    }
    if class_name == "Embedding" {
        embedding(config);
    } else {
        kernel_size(class_name, config);
        for (old, new) in RENAMED {
            rename(config, old, new);
        }
        for key in DROPPED {
            config.shift_remove(key);
        }
    }
    data_format(config);
    forget_bias(config);
    penalties(config);
    if class_name == "GRU" {
        config.insert("reset_after".into(), json!(false));
    }
    if let Some((_, new)) = CLASSES.iter().find(|(old, _)| old == class_name) {
        *class_name = (*new).to_owned();
    }
    Ok(())
}

/// An embedding keeps `input_dim` and `output_dim`; its one matrix is not a kernel.
fn embedding(config: &mut Map<String, Value>) {
    rename(config, "init", "embeddings_initializer");
    rename(config, "W_regularizer", "embeddings_regularizer");
    rename(config, "W_constraint", "embeddings_constraint");
    config.shift_remove("dropout");
    config.shift_remove("weights");
}

/// Sizes of kernels were arguments of their own.
fn kernel_size(class_name: &str, config: &mut Map<String, Value>) {
    for keys in [&["nb_row", "nb_col"][..], &["kernel_dim1", "kernel_dim2", "kernel_dim3"]] {
        let sizes: Vec<Value> = keys.iter().filter_map(|key| config.shift_remove(*key)).collect();
        if !sizes.is_empty() {
            config.insert("kernel_size".into(), Value::Array(sizes));
        }
    }
    // `length` was the size of an upsampling, `output_dim` the width of everything but convolutions.
    if class_name != "UpSampling1D" {
        config.shift_remove("length");
    }
    if class_name == "Deconvolution2D" {
        config.shift_remove("output_shape");
    }
}

/// `th` put channels first, `tf` last; `default` was `tf` unless somebody had configured otherwise.
fn data_format(config: &mut Map<String, Value>) {
    let Some(ordering) = config.shift_remove("dim_ordering") else { return };
    let format = if ordering == "th" { "channels_first" } else { "channels_last" };
    config.insert("data_format".into(), json!(format));
}

fn forget_bias(config: &mut Map<String, Value>) {
    if let Some(init) = config.shift_remove("forget_bias_init") {
        config.insert("unit_forget_bias".into(), json!(init == "one"));
    }
}

/// Regularizers and constraints said their class as `name`, with the arguments beside it.
fn penalties(config: &mut Map<String, Value>) {
    for (key, value) in config.iter_mut() {
        if !(key.ends_with("_regularizer") || key.ends_with("_constraint")) {
            continue;
        }
        let Value::Object(fields) = value else { continue };
        let Some(Value::String(name)) = fields.shift_remove("name") else { continue };
        rename(fields, "m", "max_value");
        let class_name =
            if name == "WeightRegularizer" || name == "ActivityRegularizer" { "L1L2" } else { &name };
        *value = json!({"class_name": class_name, "config": fields});
    }
}

/// One class merged in many ways; now there is one for each.
fn merge(at: &Place, class_name: &mut String, config: &mut Map<String, Value>) -> Result<(), FileError> {
    let mode = config.shift_remove("mode");
    let (class, argument) = match mode.as_ref().and_then(Value::as_str) {
        Some("sum") => ("Add", None),
        Some("mul") => ("Multiply", None),
        Some("ave") => ("Average", None),
        Some("max") => ("Maximum", None),
        Some("concat") => ("Concatenate", Some(("axis", "concat_axis"))),
        Some("dot" | "cos") => ("Dot", Some(("axes", "dot_axes"))),
        Some(_) | None => {
            return Err(at.refused("a Merge by code of its own", "sum, mul, ave, max, concat, dot or cos"));
        }
    };
    let mut kept = Map::new();
    kept.extend(config.shift_remove_entry("name"));
    kept.extend(argument.and_then(|(new, old)| Some((new.to_owned(), config.shift_remove(old)?))));
    if class == "Dot" {
        kept.insert("normalize".into(), json!(mode.as_ref().is_some_and(|mode| mode == "cos")));
    }
    *class_name = class.to_owned();
    *config = kept;
    Ok(())
}
