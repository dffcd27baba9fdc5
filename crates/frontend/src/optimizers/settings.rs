//! Settings: the arguments of a rule, written once, as a table.

use serde_json::{Value, json};

use crate::config::Arguments;
use crate::error::Result;

/// An argument as Keras's JSON holds it.
pub(super) trait Setting: Sized {
    /// The value under `key`, or the default.
    fn read(arguments: &Arguments, key: &str, default: Self) -> Result<Self>;

    /// The value as it is written.
    fn write(&self) -> Value;
}

impl Setting for f64 {
    fn read(arguments: &Arguments, key: &str, default: f64) -> Result<f64> {
        arguments.number_or(key, default)
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

/// A number, or none, which is not the same as the default.
impl Setting for Option<f64> {
    fn read(arguments: &Arguments, key: &str, default: Option<f64>) -> Result<Option<f64>> {
        if arguments.has(key) { arguments.number(key) } else { Ok(default) }
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

impl Setting for usize {
    fn read(arguments: &Arguments, key: &str, default: usize) -> Result<usize> {
        Ok(arguments.size(key)?.unwrap_or(default))
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

impl Setting for bool {
    fn read(arguments: &Arguments, key: &str, default: bool) -> Result<bool> {
        arguments.boolean_or(key, default)
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

impl Setting for Vec<String> {
    fn read(arguments: &Arguments, key: &str, default: Vec<String>) -> Result<Vec<String>> {
        let text = |item: &Value| item.as_str().map(String::from);
        let list = |value: &Value| -> Option<Vec<String>> { value.as_array()?.iter().map(text).collect() };
        match arguments.value(key) {
            Some(value) => list(value).ok_or_else(|| arguments.wrong(key, "a list of strings")),
            None => Ok(default),
        }
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

/// A struct of these arguments beside the common ones, with a builder method for each.
macro_rules! settings {
    (
        $(#[$doc:meta])*
        pub struct $class:ident($common:expr) {
            $($(#[$about:meta])* $key:ident: $kind:ty = $default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $class {
            common: $crate::optimizers::Common,
            $($key: $kind,)*
        }

        impl $class {
            /// With Keras's defaults.
            pub fn new() -> $class {
                $class { common: $common, $($key: $default,)* }
            }

            $(
                $(#[$about])*
                pub fn $key(mut self, $key: $kind) -> $class {
                    self.$key = $key;
                    self
                }
            )*

            pub(super) fn from_config(arguments: &$crate::config::Arguments) -> $crate::error::Result<$class> {
                let default = $class::new();
                Ok($class {
                    common: default.common.read(arguments)?,
                    $($key: $crate::optimizers::settings::Setting::read(
                        arguments,
                        stringify!($key),
                        default.$key,
                    )?,)*
                })
            }

            fn settings(&self) -> serde_json::Map<String, serde_json::Value> {
                serde_json::Map::from_iter([$((
                    stringify!($key).to_string(),
                    $crate::optimizers::settings::Setting::write(&self.$key),
                ),)*])
            }
        }

        impl Default for $class {
            fn default() -> $class {
                $class::new()
            }
        }

        $crate::optimizers::common::common!($class);
    };
}

/// The methods of `Optimizer` that say what `settings!` has made.
macro_rules! described {
    ($class:literal) => {
        fn class_name(&self) -> &str {
            $class
        }

        fn common(&self) -> &$crate::optimizers::Common {
            &self.common
        }

        fn arguments(&self) -> serde_json::Map<String, serde_json::Value> {
            self.settings()
        }
    };
}

pub(super) use {described, settings};
