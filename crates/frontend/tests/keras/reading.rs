//! Reads the fixtures, evaluates graphs, compares numbers.

use std::cmp::Ordering;

use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, DType, Expr, Tensor, Type};
use serde_json::Value;

/// The content of a fixture file.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The items of a list.
pub(crate) fn items(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} should be a list"))
}

/// The text of a string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} should be a string"))
}

/// A number; JSON has no token for those that are not finite.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::String(name) => name.parse().unwrap_or_else(|_| panic!("{name} should be a number")),
        Value::Bool(bit) => f64::from(u8::from(*bit)),
        other => other.as_f64().unwrap_or_else(|| panic!("{other} should be a number")),
    }
}

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    items(value).iter().map(number).collect()
}

/// A list of sizes.
pub(crate) fn sizes(value: &Value) -> Vec<usize> {
    items(value).iter().map(|size| number(size) as usize).collect()
}

/// `{shape, dtype, data}` as a tensor.
pub(crate) fn array(value: &Value) -> Tensor {
    let dtype = match text(&value["dtype"]) {
        "float32" => DType::F32,
        "float64" => DType::F64,
        "float16" => DType::F16,
        "bfloat16" => DType::BF16,
        "int32" => DType::I32,
        "int64" => DType::I64,
        "uint8" => DType::U8,
        "uint32" => DType::U32,
        "bool" => DType::Bool,
        other => panic!("no element type for {other}"),
    };
    Tensor::from_floats(&Type::new(dtype, sizes(&value["shape"])), numbers(&value["data"]))
}

/// Numbers as a tensor of `f32`.
pub(crate) fn floats(shape: &[usize], values: Vec<f64>) -> Tensor {
    Tensor::from_floats(&Type::new(DType::F32, shape), values)
}

/// The values that a function of some inputs gives.
pub(crate) fn evaluate<F>(inputs: &[Tensor], function: F) -> Vec<Tensor>
where
    F: for<'b> FnOnce(&[Expr<'b>]) -> Vec<Expr<'b>>,
{
    let builder = Builder::new();
    let given: Vec<Expr<'_>> = inputs.iter().map(|input| builder.input("given", input.ty())).collect();
    let outputs = function(&given);
    let graph = builder.finish(&outputs).unwrap_or_else(|error| panic!("{error}"));
    interpret(&graph, inputs)
}

/// The derivative of a scalar; zeros where there is none.
pub(crate) fn derivative<'b>(of: Expr<'b>, wrt: Expr<'b>) -> Expr<'b> {
    let gradients = cornu_ir::grad::gradients(of, &[wrt]).unwrap_or_else(|error| panic!("{error}"));
    gradients[0].unwrap_or(wrt.full_like(0.0))
}

/// Fails unless each number is within `tolerance` of the expected one, relative to it where it is above 1.
pub(crate) fn assert_close(what: &str, got: &Tensor, expected: &[f64], tolerance: f64) {
    let got = got.floats();
    assert_eq!(got.len(), expected.len(), "{what}: {got:?} against {expected:?}");
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let near = (got - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(near || got == expected, "{what}: element {index} is {got}, Keras gives {expected}");
    }
}

/// Equal types, and numbers that differ by no more than `tolerance` of the largest one (of 1, if all are smaller).
pub(crate) fn near(what: &str, got: &Tensor, expected: &Value, tolerance: f64) -> Result<(), String> {
    let expected = array(expected);
    if got.ty() != expected.ty() {
        return Err(format!("{what} is {}, in Keras {}", got.ty(), expected.ty()));
    }
    let (got, expected) = (got.floats(), expected.floats());
    let largest =
        expected.iter().filter(|value| value.is_finite()).fold(1.0f64, |a, value| a.max(value.abs()));
    for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
        if got != expected
            && (got - expected).abs().partial_cmp(&(tolerance * largest)) != Some(Ordering::Less)
        {
            return Err(format!("{what}: element {index} is {got}, Keras gives {expected}"));
        }
    }
    Ok(())
}
