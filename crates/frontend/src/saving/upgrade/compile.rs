//! How a model was compiled: from a legacy file's `training_config`, or an archive's `compile_config`.

use serde_json::{Map, Value, json};

use super::objects::{is_builtin, object, text};
use super::{Generation, optimizer};
use crate::{losses, metrics};

const LOSSES: &str = "keras.losses";
const METRICS: &str = "keras.metrics";

/// See [`super::compile`].
pub(super) fn compile(config: Value, outputs: &[String], generation: Generation) -> Value {
    let Value::Object(mut config) = config else { return config };
    let mut take = |key: &str| config.shift_remove(key).unwrap_or_default();
    let given = take("optimizer_config");
    let given = if given.is_null() { take("optimizer") } else { given };
    let (loss, loss_weights) = (take("loss"), take("loss_weights"));
    let [metrics, weighted_metrics, steps] = ["metrics", "weighted_metrics", "steps_per_execution"].map(take);
    if given.is_null() && loss.is_null() && metrics.is_null() {
        return json!({});
    }
    let prefixes = if outputs.len() > 1 && generation < Generation::Keras3 { outputs } else { &[] };
    let metrics_of = |metrics: Value| rewrite_metrics(metrics, outputs.len(), prefixes);
    json!({
        "optimizer": optimizer::rewrite(given),
        "loss": rewrite_losses(loss),
        "loss_weights": loss_weights,
        "metrics": metrics_of(metrics),
        "weighted_metrics": metrics_of(weighted_metrics),
        "steps_per_execution": steps,
    })
}

/// One loss, or a list or dictionary of them.
fn rewrite_losses(losses: Value) -> Value {
    match losses {
        Value::Array(items) => items.into_iter().map(rewrite_losses).collect(),
        Value::Object(entry) if entry.contains_key("class_name") => loss(entry),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, item)| (key, rewrite_losses(item))).collect())
        }
        other => other,
    }
}

fn loss(mut entry: Map<String, Value>) -> Value {
    if let Some(name) = function(&entry) {
        return json!(name);
    }
    let class_name = text(&entry, "class_name").unwrap_or_default().to_owned();
    // What Keras 3 wraps functions of one's own in.
    if !is_builtin(&entry) || class_name == "LossFunctionWrapper" {
        return Value::Object(entry);
    }
    let Some(Value::Object(mut config)) = entry.shift_remove("config") else { return Value::Object(entry) };
    config.shift_remove("fn");
    if text(&config, "reduction") == Some("auto") {
        config.insert("reduction".into(), json!("sum_over_batch_size"));
    }
    object(LOSSES, &class_name, config)
}

/// The name of one of Keras's functions that was serialized as one.
fn function(entry: &Map<String, Value>) -> Option<&str> {
    let is_function = text(entry, "class_name") == Some("function");
    text(entry, "config")
        .filter(|_| is_function && entry.get("module").is_none_or(|m| m == "builtins" || is_builtin(entry)))
        .filter(|name| is_of_keras(name))
}

fn is_of_keras(function: &str) -> bool {
    losses::is_of_keras(function) || metrics::is_of_keras(function)
}

/// Metrics in any nesting. A legacy file lists those of each output, even if there is one; Keras 3 takes the inner list
/// for that.
fn rewrite_metrics(metrics: Value, outputs: usize, prefixes: &[String]) -> Value {
    match metrics {
        Value::Array(mut items) if outputs <= 1 && items.len() == 1 && items[0].is_array() => {
            rewrite_metrics(items.remove(0), outputs, prefixes)
        }
        Value::Array(items) => {
            items.into_iter().map(|item| rewrite_metrics(item, outputs, prefixes)).collect()
        }
        Value::Object(entry) if entry.contains_key("class_name") => metric(entry, prefixes),
        Value::Object(fields) => {
            let field = |(key, item)| (key, rewrite_metrics(item, outputs, prefixes));
            Value::Object(fields.into_iter().map(field).collect())
        }
        other => other,
    }
}

fn metric(mut entry: Map<String, Value>, prefixes: &[String]) -> Value {
    if let Some(name) = function(&entry) {
        return json!(name);
    }
    let class_name = text(&entry, "class_name").unwrap_or_default().to_owned();
    if !is_builtin(&entry) {
        return Value::Object(entry);
    }
    let Some(Value::Object(mut config)) = entry.shift_remove("config") else { return Value::Object(entry) };
    if let Some(name) = text(&config, "name") {
        let name = without_prefix(name, prefixes).to_owned();
        config.insert("name".into(), json!(name));
    }
    if class_name != "MeanMetricWrapper" {
        config.shift_remove("fn");
        return object(METRICS, &class_name, config);
    }
    wrapped(&config).unwrap_or_else(|| object(METRICS, &class_name, config))
}

/// Keras 2 reports a metric as `<output>_<name>`; so does Keras 3, but it writes the name alone.
fn without_prefix<'n>(name: &'n str, outputs: &[String]) -> &'n str {
    let inner = |output: &String| name.strip_prefix(output.as_str())?.strip_prefix('_');
    outputs.iter().find_map(inner).unwrap_or(name)
}

/// A function that was given by name, or by a name of which Keras chose the function.
fn wrapped(config: &Map<String, Value>) -> Option<Value> {
    let called = config.get("fn")?;
    let called =
        called.as_str().filter(|name| is_of_keras(name)).or_else(|| function(called.as_object()?))?;
    let name = text(config, "name").unwrap_or(called);
    let chosen = ["accuracy", "acc", "crossentropy", "ce"].contains(&name);
    let is_alias =
        ALIASES.iter().any(|(alias, function)| *alias == name.to_lowercase() && *function == called);
    Some(if chosen || is_alias || name == called {
        json!(name)
    } else {
        let config = json!({"name": name, "dtype": config.get("dtype").cloned().unwrap_or_default()});
        let Value::Object(config) = config else { return None };
        object(METRICS, &class_of(called), config)
    })
}

/// Short names of functions.
const ALIASES: [(&str, &str); 6] = [
    ("mse", "mean_squared_error"),
    ("mae", "mean_absolute_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("kld", "kl_divergence"),
    ("cosine_similarity", "cosine_similarity"),
];

/// The class of a function: `mean_absolute_error` is that of MeanAbsoluteError.
fn class_of(function: &str) -> String {
    if function == "kl_divergence" {
        return "KLDivergence".to_owned();
    }
    let capitalised = |word: &str| word[..1].to_uppercase() + &word[1..];
    function.split('_').filter(|word| word.is_ascii() && !word.is_empty()).map(capitalised).collect()
}
