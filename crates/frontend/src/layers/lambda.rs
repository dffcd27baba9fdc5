//! Lambda: a function that the program has registered, as a layer. Keras: `Lambda`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::{Config, Context, Layer, LayerConfig, only};
use crate::error::{Error, Result};
use crate::registered::Registered;

/// What a [`Lambda`] applies.
pub type Function = for<'b> fn(Expr<'b>) -> Result<Expr<'b>>;

static FUNCTIONS: Registered<Function> = Registered::new();

/// Lets [`Lambda`] layers, those of files too, name a function: `package>name`, or the name alone.
pub fn register_function(name: &str, function: Function) {
    FUNCTIONS.insert(name, function);
}

/// Applies a function that [`register_function`] has been given under this name.
///
/// A file in which the function is Python byte code is refused: nothing in a file is ever run.
#[derive(Clone, Debug)]
pub struct Lambda {
    name: String,
    /// What else the file says, written back as it was.
    rest: Config,
}

impl Lambda {
    /// The function of this name.
    pub fn new(name: &str) -> Lambda {
        Lambda { name: name.to_string(), rest: Config::from_iter([("arguments".to_string(), json!({}))]) }
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Lambda> {
        let needed = "the name of a function given to `register_function`; byte code in files is not run";
        let function = config.value("function").ok_or_else(|| config.wrong("function", needed))?;
        let text = |key: &str| function.get(key).and_then(Value::as_str);
        let name = match text("class_name") {
            None => function.as_str(),
            Some("function") => text("registered_name").filter(|&name| name != "function").or(text("config")),
            Some(_) => None,
        };
        let name = name.ok_or_else(|| config.wrong("function", needed))?;
        let given = ["output_shape", "mask", "arguments"].into_iter();
        let rest = given.filter_map(|key| Some((key.to_string(), config.value(key)?.clone())));
        Ok(Lambda { name: name.to_string(), rest: rest.collect() })
    }

    fn function(&self) -> Result<Function> {
        let unknown = || {
            let known = FUNCTIONS.names();
            Error::unknown("registered function", &self.name, known.iter().map(String::as_str))
        };
        FUNCTIONS.get(&self.name).ok_or_else(unknown)
    }
}

impl Layer for Lambda {
    fn class_name(&self) -> &str {
        "Lambda"
    }

    fn config(&self) -> Result<Config> {
        let name = self.name.rsplit('>').next().unwrap_or(&self.name);
        let mut config = Config::new();
        let function =
            json!({"module": null, "class_name": "function", "config": name, "registered_name": self.name});
        config.insert("function".into(), function);
        config.extend(self.rest.clone());
        Ok(config)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Ok(vec![self.function()?(only(inputs)?)?])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{deserialize, serialize};
    use super::*;

    #[test]
    fn a_registered_function_is_written_and_read_and_byte_code_is_refused() {
        register_function("tests>twice", |x| Ok(x * 2.0));
        let written = serialize(&Lambda::new("tests>twice").into()).unwrap();
        let again = serialize(&deserialize(&written).unwrap()).unwrap();
        assert_eq!(again, written);
        let code = json!({"class_name": "__lambda__", "config": {"code": "4wEAAAA="}});
        let error = deserialize(&json!({"class_name": "Lambda", "config": {"function": code}}));
        let error = error.err().map_or(String::new(), |error| error.to_string());
        assert!(error.contains("byte code in files is not run"), "{error}");
    }
}
