//! What a callback remembers, as it stands in a checkpoint.

use cornu_ir::Tensor;
use serde_json::Value;

use crate::saving::json::{as_float, float};

/// What a callback remembers: JSON for counts and numbers, and tensors, such as the best weights, beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallbackState {
    /// Counts and numbers. Numbers that are not finite have a form of their own: see [`CallbackState::number`].
    pub values: Value,
    /// Tensors.
    pub tensors: Vec<Tensor>,
}

impl From<Value> for CallbackState {
    fn from(values: Value) -> CallbackState {
        CallbackState { values, tensors: Vec::new() }
    }
}

impl CallbackState {
    /// A number for the values, NaN and the infinities included; null for none.
    pub fn number(number: impl Into<Option<f64>>) -> Value {
        number.into().map_or(Value::Null, float)
    }

    /// The number called `key` among the values.
    pub fn get_number(&self, key: &str) -> Option<f64> {
        self.values.get(key).and_then(as_float)
    }

    /// The count called `key` among the values; 0 if there is none.
    pub fn get_count(&self, key: &str) -> usize {
        self.values.get(key).and_then(Value::as_u64).and_then(|count| count.try_into().ok()).unwrap_or(0)
    }
}
