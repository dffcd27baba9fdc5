//! Keras's JSON: serialized objects, and the arguments of a class read strictly.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// An object as Keras writes it: its class and the arguments that make it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Serialized {
    /// Where the class lives: `keras.initializers`. Keras 2 writes none.
    pub module: Option<String>,
    /// `GlorotUniform`; for a function its module's word, `function`.
    pub class_name: String,
    /// `package>Name` for classes that a user registered.
    pub registered_name: Option<String>,
    /// Arguments by name.
    pub config: Map<String, Value>,
}

impl Serialized {
    /// The form that Keras 3 writes for a class of its own.
    pub fn builtin(module: &str, class_name: &str, config: Map<String, Value>) -> Value {
        json!({"module": module, "class_name": class_name, "config": config, "registered_name": null})
    }

    /// The form that Keras 3 writes for a function.
    pub fn function(name: &str) -> Value {
        json!({"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"})
    }

    /// The form that Keras 3 writes: of a class of its own, if `class_name` is among these, else of one that a user
    /// registered.
    pub fn write<'a>(
        module: &str,
        mut builtins: impl Iterator<Item = &'a str>,
        class_name: &str,
        config: Map<String, Value>,
    ) -> Value {
        if builtins.any(|builtin| builtin == class_name) {
            return Serialized::builtin(module, class_name, config);
        }
        let registered_name = format!("Custom>{class_name}");
        json!({"module": null, "class_name": class_name, "config": config, "registered_name": registered_name})
    }

    /// Reads a plain name, the object of Keras 2 (class and config) or that of Keras 3. `what` is the kind of
    /// thing, for the error: "initializer".
    pub fn read(what: &str, value: &Value) -> Result<Serialized> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(String::from);
        match value {
            Value::String(name) => Ok(Serialized::named(name)),
            Value::Object(_) => Ok(Serialized {
                module: text("module"),
                class_name: text("class_name").ok_or_else(|| needs_object(what, value))?,
                registered_name: text("registered_name"),
                config: match value.get("config") {
                    Some(Value::Object(config)) => config.clone(),
                    None | Some(Value::Null) => Map::new(),
                    // A function: `{"class_name": "function", "config": "relu"}`.
                    Some(Value::String(name)) => return Ok(Serialized::named(name)),
                    Some(_) => return Err(needs_object(what, value)),
                },
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                Err(needs_object(what, value))
            }
        }
    }

    fn named(name: &str) -> Serialized {
        Serialized { module: None, class_name: name.into(), registered_name: None, config: Map::new() }
    }

    /// The arguments, to be read.
    pub fn arguments(&self) -> Arguments<'_> {
        Arguments { class: &self.class_name, config: &self.config }
    }
}

fn needs_object(what: &str, value: &Value) -> Error {
    let needed = "a name or an object with `class_name` and `config`";
    Error::config(what, "config", shortened(value), needed)
}

/// The arguments of one class. A missing key or a null answers `None`; a wrong type is an error that names both
/// class and key; keys nobody asks for are left alone.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    class: &'a str,
    config: &'a Map<String, Value>,
}

impl<'a> Arguments<'a> {
    /// The arguments in `config`, named as those of `class` in errors.
    pub fn new(class: &'a str, config: &'a Map<String, Value>) -> Arguments<'a> {
        Arguments { class, config }
    }

    /// The value under `key`.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// True if the key is there, be it with a null.
    pub fn has(&self, key: &str) -> bool {
        self.config.contains_key(key)
    }

    /// True if the key is there and its value is null.
    pub fn is_null(&self, key: &str) -> bool {
        self.config.get(key).is_some_and(Value::is_null)
    }

    /// An error about the value under `key`.
    pub fn wrong(&self, key: &str, needed: impl Into<String>) -> Error {
        Error::config(self.class, key, shortened(self.config.get(key).unwrap_or(&Value::Null)), needed)
    }

    fn read<T>(&self, key: &str, needed: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>> {
        self.value(key).map(|value| read(value).ok_or_else(|| self.wrong(key, needed))).transpose()
    }

    /// A number.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.read(key, "a number", Value::as_f64)
    }

    /// A number, or `default`.
    pub fn number_or(&self, key: &str, default: f64) -> Result<f64> {
        Ok(self.number(key)?.unwrap_or(default))
    }

    /// A whole number. Python writes some as `2.0`.
    pub fn integer(&self, key: &str) -> Result<Option<i64>> {
        self.read(key, "a whole number", whole)
    }

    /// A whole number that is not negative.
    pub fn size(&self, key: &str) -> Result<Option<usize>> {
        self.read(key, "a whole number that is not negative", |value| usize::try_from(whole(value)?).ok())
    }

    /// True or false, or `default`.
    pub fn boolean_or(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.read(key, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    /// A string.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.read(key, "a string", Value::as_str)
    }

    /// Whole numbers; a single one stands for a list of one.
    pub fn integers(&self, key: &str) -> Result<Option<Vec<i64>>> {
        self.read(key, "a whole number or a list of them", |value| match value {
            Value::Array(items) => items.iter().map(whole).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                whole(value).map(|number| vec![number])
            }
        })
    }

    /// Numbers.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>> {
        self.read(key, "a list of numbers", |value| value.as_array()?.iter().map(Value::as_f64).collect())
    }
}

fn whole(value: &Value) -> Option<i64> {
    let from_float =
        || value.as_f64().filter(|x| x.fract() == 0.0 && x.abs() < 2f64.powi(53)).map(|x| x as i64);
    value.as_i64().or_else(from_float)
}

/// The JSON of a value, cut where it grows too long for a message.
fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The number that 32 bits hold, as Keras writes variables to JSON: 0.001 is 0.0010000000474974513.
pub fn through_f32(value: f64) -> Value {
    json!(f64::from(value as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_both_forms_of_objects_are_read() {
        let keras2 = json!({"class_name": "Constant", "config": {"value": 2.0}});
        let keras3 = Serialized::builtin(
            "keras.initializers",
            "Constant",
            keras2["config"].as_object().unwrap().clone(),
        );
        for value in [&keras2, &keras3] {
            let read = Serialized::read("initializer", value).unwrap();
            assert_eq!(read.class_name, "Constant");
            assert_eq!(read.arguments().number_or("value", 0.0).unwrap(), 2.0);
        }
        assert_eq!(Serialized::read("initializer", &json!("zeros")).unwrap().class_name, "zeros");
        let function = json!({"module": "builtins", "class_name": "function", "config": "relu"});
        assert_eq!(Serialized::read("activation", &function).unwrap().class_name, "relu");
        assert!(Serialized::read("initializer", &json!(3)).is_err());
    }

    #[test]
    fn a_wrong_type_names_class_and_key() {
        let config = json!({"units": "many", "rate": 2.0});
        let arguments = Arguments::new("Dense", config.as_object().unwrap());
        assert_eq!(arguments.integer("rate").unwrap(), Some(2));
        assert_eq!(arguments.integer("absent").unwrap(), None);
        let error = arguments.size("units").unwrap_err().to_string();
        assert_eq!(error, "Dense: `units` must be a whole number that is not negative; it is \"many\"");
    }
}
