//! Optimizers and schedules of earlier Keras.

use serde_json::{Map, Value, json};

use super::layers::rename;
use super::objects::{is_builtin, object, text};

const OPTIMIZERS: &str = "keras.optimizers";
const SCHEDULES: &str = "keras.optimizers.schedules";

/// Arguments that Keras 3 does not have, because nothing depends on them.
const DROPPED: [&str; 5] = ["jit_compile", "is_legacy_optimizer", "decay", "dynamic", "schedule_decay"];

/// The optimizer in Keras 3's form; `null` and plain names stay as they are.
pub(super) fn rewrite(optimizer: Value) -> Value {
    let Value::Object(mut entry) = optimizer else { return optimizer };
    // Keras 2.11 to 2.15 registered its own optimizers as if a user had.
    let class_name = text(&entry, "class_name").or_else(|| text(&entry, "name")).unwrap_or_default();
    let class_name = class_name.strip_prefix("Custom>").unwrap_or(class_name).to_owned();
    entry.insert("class_name".into(), json!(class_name));
    if !is_builtin(&entry) {
        return Value::Object(entry);
    }
    let mut config = match entry.shift_remove("config") {
        Some(Value::Object(config)) => config,
        // Keras 1 wrote the arguments beside the name.
        Some(_) | None => entry,
    };
    rename(&mut config, "lr", "learning_rate");
    learning_rate(&class_name, &mut config);
    for key in DROPPED {
        config.shift_remove(key);
    }
    // Nothing, for `epsilon`, meant the default.
    if config.get("epsilon").is_some_and(Value::is_null) {
        config.shift_remove("epsilon");
    }
    if let Some(inner) = config.get_mut("inner_optimizer") {
        *inner = rewrite(inner.take());
    }
    object(OPTIMIZERS, &class_name, config)
}

/// A schedule in Keras 3's form, or a number; a number that decayed with every step becomes a schedule.
fn learning_rate(class_name: &str, config: &mut Map<String, Value>) {
    let decay = config.get("decay").and_then(Value::as_f64).unwrap_or(0.0);
    let Some(rate) = config.get_mut("learning_rate") else { return };
    if let Value::Object(entry) = rate {
        *rate = schedule(std::mem::take(entry));
    } else if decay != 0.0 && class_name != "Nadam" {
        // Nadam called something else its decay: how its momentum changes, which Keras 3 fixes.
        let config = json!({
            "initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay, "staircase": false,
            "name": "InverseTimeDecay",
        });
        *rate = schedule(Map::from_iter([
            ("class_name".to_owned(), json!("InverseTimeDecay")),
            ("config".to_owned(), config),
        ]));
    }
}

fn schedule(mut entry: Map<String, Value>) -> Value {
    let class_name = text(&entry, "class_name").unwrap_or_default().to_owned();
    if !is_builtin(&entry) {
        return Value::Object(entry);
    }
    let Some(Value::Object(mut config)) = entry.shift_remove("config") else { return Value::Object(entry) };
    if config.get("name").is_some_and(Value::is_null) {
        config.shift_remove("name");
    }
    object(SCHEDULES, &class_name, config)
}
