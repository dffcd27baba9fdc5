//! Values without chance: zeros, ones, a constant, the identity matrix.

use cornu_ir::{DType, Tensor, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::initializers::Initializer;

/// All 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Zeros;

impl Initializer for Zeros {
    fn class_name(&self) -> &str {
        "Zeros"
    }

    fn config(&self) -> Map<String, Value> {
        Map::new()
    }

    fn generate(&self, ty: &Type, _: u64) -> Result<Tensor> {
        Ok(Tensor::zeros(ty))
    }
}

/// All 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ones;

impl Initializer for Ones {
    fn class_name(&self) -> &str {
        "Ones"
    }

    fn config(&self) -> Map<String, Value> {
        Map::new()
    }

    fn generate(&self, ty: &Type, _: u64) -> Result<Tensor> {
        Ok(filled(ty, 1.0))
    }
}

fn filled(ty: &Type, value: f64) -> Tensor {
    Tensor::from_floats(ty, std::iter::repeat_n(value, ty.elements()))
}

/// One number everywhere, or a given array: pretrained embeddings, for example.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    value: Tensor,
}

impl Constant {
    /// `value` everywhere.
    pub fn new(value: f64) -> Constant {
        Constant { value: Tensor::scalar(value) }
    }

    /// `value` itself, for a weight of the same shape.
    pub fn array(value: Tensor) -> Constant {
        Constant { value }
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Constant> {
        let needed = "a number or an array of numbers";
        match arguments.value("value") {
            Some(Value::Object(wrapped)) => {
                let array = wrapped.get("config").and_then(|config| config.get("value"));
                let array = array.and_then(array_from).ok_or_else(|| arguments.wrong("value", needed))?;
                Ok(Constant { value: array })
            }
            Some(Value::Array(_)) => {
                let array = arguments.value("value").and_then(array_from);
                Ok(Constant { value: array.ok_or_else(|| arguments.wrong("value", needed))? })
            }
            _ => Ok(Constant::new(arguments.number_or("value", 0.0)?)),
        }
    }
}

impl Default for Constant {
    fn default() -> Constant {
        Constant::new(0.0)
    }
}

impl Initializer for Constant {
    fn class_name(&self) -> &str {
        "Constant"
    }

    fn config(&self) -> Map<String, Value> {
        let values = self.value.floats();
        let value = match (values.as_slice(), self.value.shape().rank()) {
            ([number], 0) => json!(number),
            (numbers, _) => {
                let nested = nested(numbers, self.value.shape());
                json!({"class_name": "__numpy__", "config": {"value": nested, "dtype": "float32"}})
            }
        };
        Map::from_iter([("value".to_string(), value)])
    }

    fn generate(&self, ty: &Type, _: u64) -> Result<Tensor> {
        let values = self.value.floats();
        match (values.as_slice(), self.value.shape() == &ty.shape) {
            (_, true) => Ok(Tensor::from_floats(ty, values)),
            ([number], false) => Ok(filled(ty, *number)),
            (_, false) => Err(Error::Shape {
                what: "Constant".into(),
                needed: format!("a weight of the array's own shape {}", self.value.shape()),
                got: ty.clone(),
            }),
        }
    }
}

/// Nested lists as a tensor; `None` if they are ragged or hold anything but numbers.
fn array_from(value: &Value) -> Option<Tensor> {
    let mut sizes = Vec::new();
    let mut level = vec![value];
    while let Some(Value::Array(first)) = level.first() {
        let size = first.len();
        sizes.push(size);
        let lists: Option<Vec<&Vec<Value>>> = level.iter().map(|list| list.as_array()).collect();
        let lists = lists.filter(|lists| lists.iter().all(|list| list.len() == size))?;
        level = lists.into_iter().flatten().collect();
    }
    let numbers: Option<Vec<f64>> = level.into_iter().map(Value::as_f64).collect();
    Some(Tensor::from_floats(&Type::new(DType::F64, sizes), numbers?))
}

/// Numbers as lists nested by `sizes`.
fn nested(numbers: &[f64], sizes: &[usize]) -> Value {
    match sizes {
        [] | [_] => json!(numbers),
        [0, ..] => json!([]),
        [rows, rest @ ..] => {
            let row = (numbers.len() / rows).max(1);
            numbers.chunks(row).map(|row| nested(row, rest)).collect()
        }
    }
}

/// The identity matrix times a number: for matrices only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity {
    gain: f64,
}

impl Identity {
    /// The identity matrix.
    pub fn new() -> Identity {
        Identity { gain: 1.0 }
    }

    /// The factor on the diagonal.
    pub fn gain(mut self, gain: f64) -> Identity {
        self.gain = gain;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Identity> {
        Ok(Identity { gain: arguments.number_or("gain", 1.0)? })
    }
}

impl Default for Identity {
    fn default() -> Identity {
        Identity::new()
    }
}

impl Initializer for Identity {
    fn class_name(&self) -> &str {
        "Identity"
    }

    /// Keras forgets the gain; it reads it, so it is written where it is not the default.
    fn config(&self) -> Map<String, Value> {
        let gain = (self.gain != 1.0).then(|| ("gain".to_string(), json!(self.gain)));
        gain.into_iter().collect()
    }

    fn generate(&self, ty: &Type, _: u64) -> Result<Tensor> {
        let [rows, columns] = ty.shape[..] else {
            return Err(Error::Shape { what: "Identity".into(), needed: "a matrix".into(), got: ty.clone() });
        };
        let places = (0..rows * columns).map(|i| (i / columns, i % columns));
        Ok(Tensor::from_floats(ty, places.map(|(row, column)| if row == column { self.gain } else { 0.0 })))
    }
}
