//! Configuration text as Python's `json` reads and writes it.
//!
//! Python writes the bare tokens `NaN`, `Infinity` and `-Infinity`, which JSON and [`Value`] lack. Such a number is
//! kept as an object that no configuration contains; [`float`] and [`as_float`] make and read it, so code that expects
//! a number and knows nothing of this sees an object and reports it.

mod parse;
mod print;

use serde_json::{Map, Value};

pub use parse::parse;
pub use print::print;

/// The only key of the object that stands for a number which is not finite.
const NOT_FINITE: &str = "__float__";

/// A float as a value, whatever it is.
pub fn float(number: f64) -> Value {
    match serde_json::Number::from_f64(number) {
        Some(finite) => Value::Number(finite),
        None => Value::Object(Map::from_iter([(NOT_FINITE.to_owned(), Value::from(token(number)))])),
    }
}

/// The number a value holds; integers count, and so do NaN and the infinities.
pub fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Object(fields) => not_finite(fields),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => None,
    }
}

/// The number that an object stands for, if it stands for one.
fn not_finite(fields: &Map<String, Value>) -> Option<f64> {
    let token = fields.get(NOT_FINITE).filter(|_| fields.len() == 1)?.as_str()?;
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().find(|&number| self::token(number) == token)
}

/// How Python spells a number that is not finite.
fn token(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}
