//! Operands: what stands on both sides of an operation, brought to one element type and shape as NumPy and JAX do.

use cornu_ir::{Builder, DType, Expr, Tensor, Type};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::layers::{Argument, Masked, keras_dtype};
use crate::shapes;

/// A value of the model, or a number, which takes the element type of what it meets.
#[derive(Clone, Copy)]
pub(super) enum Operand<'b> {
    Tensor(Expr<'b>),
    Number(f64, Kind),
}

/// The kinds of Python's numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Bool,
    Whole,
    Float,
}

impl<'b> Operand<'b> {
    /// From an argument of a call: a value, a number, or an array that a file spells out.
    pub(super) fn read(builder: &'b Builder, argument: &Argument<Masked<'b>>) -> Option<Operand<'b>> {
        match argument {
            Argument::Tensor(masked) => Some(Operand::Tensor(masked.value)),
            Argument::Constant(Value::Bool(value)) => {
                Some(Operand::Number(f64::from(u8::from(*value)), Kind::Bool))
            }
            Argument::Constant(Value::Number(number)) => {
                let kind = if number.is_f64() { Kind::Float } else { Kind::Whole };
                Some(Operand::Number(number.as_f64()?, kind))
            }
            Argument::Constant(value) => Some(Operand::Tensor(builder.constant(array(value)?))),
            Argument::List(_) | Argument::Dict(_) => None,
        }
    }

    /// As a value in the type that a number has by itself.
    pub(super) fn value(self, builder: &'b Builder) -> Expr<'b> {
        match self {
            Operand::Tensor(value) => value,
            Operand::Number(number, kind) => builder.scalar(kind.dtype(), number),
        }
    }

    fn cast(self, builder: &'b Builder, dtype: DType) -> Expr<'b> {
        match self {
            Operand::Tensor(value) => to(value, dtype),
            Operand::Number(number, _) => builder.scalar(dtype, number),
        }
    }
}

impl Kind {
    fn dtype(self) -> DType {
        match self {
            Kind::Bool => DType::Bool,
            Kind::Whole => DType::I32,
            Kind::Float => DType::F32,
        }
    }
}

/// The same numbers in another type; true is what is not 0.
pub(super) fn to(x: Expr<'_>, dtype: DType) -> Expr<'_> {
    if dtype == DType::Bool && x.dtype() != DType::Bool { x.ne(x.number(0.0)) } else { x.cast(dtype) }
}

/// In floats, if it is none.
pub(super) fn float(x: Expr<'_>) -> Expr<'_> {
    if x.dtype().is_float() { x } else { x.cast(DType::F32) }
}

/// In numbers, if it is true and false.
pub(super) fn number(x: Expr<'_>) -> Expr<'_> {
    if x.dtype() == DType::Bool { x.cast(DType::I32) } else { x }
}

/// All operands in their common type.
pub(super) fn promoted<'b>(builder: &'b Builder, operands: &[Operand<'b>]) -> Vec<Expr<'b>> {
    let dtype = common_dtype(operands);
    operands.iter().map(|operand| operand.cast(builder, dtype)).collect()
}

/// JAX's type of a result: that of the values, unless a number is of a kind above it.
fn common_dtype(operands: &[Operand<'_>]) -> DType {
    let of_values = operands
        .iter()
        .filter_map(|operand| match operand {
            Operand::Tensor(value) => Some(value.dtype()),
            Operand::Number(..) => None,
        })
        .reduce(join);
    let of_numbers = operands
        .iter()
        .filter_map(|operand| match operand {
            Operand::Tensor(_) => None,
            Operand::Number(_, kind) => Some(*kind),
        })
        .max();
    match (of_values, of_numbers) {
        (None, None) => DType::F32,
        (None, Some(kind)) => kind.dtype(),
        (Some(dtype), None | Some(Kind::Bool)) => dtype,
        (Some(DType::Bool), Some(Kind::Whole)) => DType::I32,
        (Some(dtype), Some(Kind::Whole)) => dtype,
        (Some(dtype), Some(Kind::Float)) if dtype.is_float() => dtype,
        (Some(_), Some(Kind::Float)) => DType::F32,
    }
}

/// The least type that holds both.
fn join(a: DType, b: DType) -> DType {
    let rank = |dtype: DType| match dtype {
        DType::Bool => 0,
        DType::U8 => 1,
        DType::U32 => 2,
        DType::I32 => 3,
        DType::I64 => 4,
        DType::BF16 | DType::F16 => 5,
        DType::F32 => 6,
        DType::F64 => 7,
    };
    match (a, b) {
        (a, b) if a == b => a,
        (DType::U32, DType::I32) | (DType::I32, DType::U32) => DType::I64,
        (DType::BF16, DType::F16) | (DType::F16, DType::BF16) => DType::F32,
        (a, b) => {
            if rank(a) > rank(b) {
                a
            } else {
                b
            }
        }
    }
}

/// All values broadcast to their common shape.
pub(super) fn broadcast<'b>(class: &str, values: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
    let mut shape: Vec<usize> = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let Some(common) = shapes::common(&shape, &value.shape()) else {
            return Err(Error::Shapes {
                what: class.to_string(),
                left: Box::new(values[index.saturating_sub(1)].ty()),
                right: Box::new(value.ty()),
                fix: "Sizes must be equal or 1, from the last axis on".to_string(),
            });
        };
        shape = common;
    }
    Ok(values.iter().map(|&value| shapes::broadcast_to(value, &shape)).collect())
}

/// An array in a file: nested lists of numbers, by themselves or with a type, as Keras writes NumPy's and its own.
fn array(value: &Value) -> Option<Tensor> {
    match value {
        Value::Array(_) => nested(value, None),
        Value::Object(object) => {
            let class = object.get("class_name")?.as_str()?;
            let config = object.get("config").filter(|_| ["__tensor__", "__numpy__"].contains(&class))?;
            nested(config.get("value")?, Some(keras_dtype(config.get("dtype")?.as_str()?)?))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn nested(value: &Value, dtype: Option<DType>) -> Option<Tensor> {
    let mut shape = Vec::new();
    let mut at = value;
    while let Value::Array(items) = at {
        shape.push(items.len());
        match items.first() {
            Some(first) => at = first,
            None => break,
        }
    }
    let mut items = Vec::new();
    flatten(value, &shape, &mut items)?;
    let own = || {
        let kind = |item: &&Value| match item {
            Value::Bool(_) => Some(Kind::Bool),
            Value::Number(number) if number.is_f64() => Some(Kind::Float),
            Value::Number(_) => Some(Kind::Whole),
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        };
        items.iter().filter_map(kind).max().map_or(DType::F32, Kind::dtype)
    };
    let ty = Type::new(dtype.unwrap_or_else(own), shape);
    let number =
        |item: &&Value| item.as_f64().or_else(|| item.as_bool().map(|value| f64::from(u8::from(value))));
    Some(Tensor::from_floats(&ty, items.iter().map(number).collect::<Option<Vec<f64>>>()?))
}

/// The items of lists that are nested evenly.
fn flatten<'v>(value: &'v Value, shape: &[usize], items: &mut Vec<&'v Value>) -> Option<()> {
    match (value, shape) {
        (Value::Array(list), [size, inner @ ..]) if list.len() == *size => {
            list.iter().try_for_each(|item| flatten(item, inner, items))
        }
        (Value::Array(_), _) => None,
        (item, []) => {
            items.push(item);
            Some(())
        }
        _ => None,
    }
}
