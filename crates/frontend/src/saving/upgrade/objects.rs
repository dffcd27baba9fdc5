//! Serialized objects: initializers, regularizers, constraints, activations and dtype policies.

use serde_json::{Map, Value, json};

use super::{Generation, KERAS2_HARD_SIGMOID};

/// The form of Keras 3 for one of its own objects.
pub(super) fn object(module: &str, class_name: &str, config: Map<String, Value>) -> Value {
    json!({"module": module, "class_name": class_name, "config": config, "registered_name": null})
}

/// A text under `key`.
pub(super) fn text<'v>(fields: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    fields.get(key)?.as_str()
}

/// Whether an entry is one of Keras's own: earlier forms say no module, later ones say one of Keras's, and none of
/// them belongs to a package that users register classes in.
pub(super) fn is_builtin(entry: &Map<String, Value>) -> bool {
    let package = |name: &str| name.contains('>');
    let module = entry.get("module").is_none_or(|module| {
        module.as_str().is_some_and(|module| matches!(module.split('.').next(), Some("keras" | "tf_keras")))
    });
    module
        && !text(entry, "class_name").is_some_and(package)
        && !text(entry, "registered_name").is_some_and(package)
}

/// The kinds of objects that stand under keys of a layer, by how the key ends.
const KINDS: [(&str, &str); 3] = [
    ("_initializer", "keras.initializers"),
    ("_regularizer", "keras.regularizers"),
    ("_constraint", "keras.constraints"),
];

/// Brings every object in a layer's config into Keras 3's form.
pub(super) fn rewrite_all(config: &mut Map<String, Value>, generation: Generation) {
    for (key, value) in config.iter_mut() {
        if let Some((_, module)) = KINDS.iter().find(|(ending, _)| key.ends_with(ending)) {
            rewrite(value, module);
        } else if key == "activation" || key == "recurrent_activation" {
            rewrite_activation(value, generation);
        } else if key == "dtype" {
            rewrite_dtype(value);
        }
    }
}

fn rewrite(value: &mut Value, module: &str) {
    let Value::Object(entry) = value else { return };
    let Some(class_name) = text(entry, "class_name").filter(|_| is_builtin(entry)) else { return };
    let mut config = entry.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
    // TensorFlow 1 wrote the element type into initializers; Keras 3 has no such argument.
    config.shift_remove("dtype");
    // Keras 2.0 called the truncated normal distribution just `normal`.
    if class_name == "VarianceScaling" && text(&config, "distribution") == Some("normal") {
        config.insert("distribution".into(), json!("truncated_normal"));
    }
    *value = object(module, class_name, config);
}

/// An activation: a name, a function by name, or a layer, which is left to whoever upgrades layers.
fn rewrite_activation(value: &mut Value, generation: Generation) {
    let function = match &*value {
        Value::String(name) => Some(name.as_str()),
        Value::Object(entry) if text(entry, "class_name") == Some("function") => text(entry, "config"),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    };
    if generation < Generation::Keras3 && function == Some("hard_sigmoid") {
        *value = json!(KERAS2_HARD_SIGMOID);
    }
}

/// A dtype: the name of a policy, or one of the two objects that Keras 2 had for it.
fn rewrite_dtype(value: &mut Value) {
    let name = match &*value {
        Value::String(name) => name.clone(),
        Value::Object(entry) => match text(entry, "class_name") {
            Some("Policy" | "PolicyV1") => {
                let name = entry.get("config").and_then(|config| config.get("name")).and_then(Value::as_str);
                name.unwrap_or("float32").to_owned()
            }
            Some(_) | None => return,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return,
    };
    // TensorFlow 1 had a policy that took the type of the first input, which was float32 by default.
    let name = if name == "_infer" || name == "infer" { "float32" } else { &name };
    *value = policy(name);
}

/// The dtype policy of this name.
pub(super) fn policy(name: &str) -> Value {
    object("keras", "DTypePolicy", Map::from_iter([("name".to_owned(), json!(name))]))
}
