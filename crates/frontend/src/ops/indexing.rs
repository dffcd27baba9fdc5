//! Operations that pick elements by their places.

use cornu_ir::{DType, Expr, Type, derived};
use serde_json::Value;

use super::call::Call;
use super::elementwise::Outputs;
use super::operand::{self, Operand};
use crate::error::Result;
use crate::layers::{Argument, Masked};
use crate::shapes;

/// One item between the brackets of `x[…]`.
enum Index<'b> {
    At(i64),
    Range { start: Option<i64>, stop: Option<i64>, step: i64 },
    NewAxis,
    Rest,
    Places(Expr<'b>),
}

/// `x[key]`: numbers, slices, `None`, `...` and one value of whole numbers.
pub(super) fn get_item<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let items = match call.argument(1) {
        None => vec![Index::NewAxis],
        Some(Argument::Constant(Value::Array(items))) => {
            items.iter().map(|item| constant(call, item)).collect::<Result<Vec<_>>>()?
        }
        Some(Argument::List(items)) => items.iter().map(|item| index(call, item)).collect::<Result<_>>()?,
        Some(other) => vec![index(call, other)?],
    };
    let named = items.iter().filter(|item| !matches!(item, Index::NewAxis | Index::Rest)).count();
    let rests = items.iter().filter(|item| matches!(item, Index::Rest)).count();
    if named > x.rank() || rests > 1 || !is_plain(&items) {
        return Err(call.fail(format!(
            "of {} needs at most {} items, of them one `...`, and one value next to any numbers",
            x.ty(),
            x.rank()
        )));
    }
    let mut picked = x;
    let mut axis = 0;
    for item in items {
        (picked, axis) = match item {
            Index::NewAxis => (picked.expand(axis), axis + 1),
            Index::Rest => (picked, axis + x.rank() - named),
            Index::At(at) => (at_place(call, picked, axis, at)?, axis),
            Index::Range { start, stop, step } => (range(picked, axis, start, stop, step), axis + 1),
            Index::Places(places) => (take(picked, places, axis), axis + places.rank()),
        };
    }
    Ok(vec![picked])
}

/// Values and numbers that stand apart would move axes to the front, as NumPy has it: not here.
fn is_plain(items: &[Index<'_>]) -> bool {
    let values = items.iter().filter(|item| matches!(item, Index::Places(_))).count();
    let picks = |item: &Index<'_>| matches!(item, Index::Places(_) | Index::At(_));
    let first = items.iter().position(picks).unwrap_or(0);
    let last = items.iter().rposition(picks).unwrap_or(0);
    values == 0 || (values == 1 && items[first..=last].iter().all(picks))
}

fn index<'b>(call: &Call<'_, 'b>, item: &Argument<Masked<'b>>) -> Result<Index<'b>> {
    match item {
        Argument::Tensor(masked) if masked.value.dtype().is_integer() => Ok(Index::Places(masked.value)),
        Argument::Constant(value) => constant(call, value),
        Argument::Tensor(masked) => {
            Err(call.fail(format!("needs whole numbers between its brackets; it got {}", masked.value.ty())))
        }
        Argument::List(_) | Argument::Dict(_) => {
            Err(call.fail("cannot use lists of values between its brackets"))
        }
    }
}

fn constant<'b>(call: &Call<'_, 'b>, value: &Value) -> Result<Index<'b>> {
    let class = value.get("class_name").and_then(Value::as_str);
    match (value, class) {
        (Value::Null, _) => Ok(Index::NewAxis),
        (Value::Object(_), Some("__ellipsis__")) => Ok(Index::Rest),
        (Value::Object(object), Some("__slice__")) => {
            let end =
                |key: &str| object.get("config").and_then(|config| config.get(key)).and_then(Value::as_i64);
            match end("step").unwrap_or(1) {
                0 => Err(call.fail("cannot slice by steps of 0")),
                step => Ok(Index::Range { start: end("start"), stop: end("stop"), step }),
            }
        }
        (Value::Number(number), _) if number.is_i64() => Ok(Index::At(number.as_i64().unwrap_or(0))),
        (Value::Array(_) | Value::Object(_), _) => {
            let array = Operand::read(call.builder, &Argument::Constant(value.clone()));
            match array.map(|array| array.value(call.builder)) {
                Some(places) if places.dtype().is_integer() => Ok(Index::Places(places)),
                _ => Err(call.fail(format!("cannot use {value} between its brackets"))),
            }
        }
        (Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {
            Err(call.fail(format!("cannot use {value} between its brackets")))
        }
    }
}

fn at_place<'b>(call: &Call<'_, 'b>, x: Expr<'b>, axis: usize, at: i64) -> Result<Expr<'b>> {
    let size = x.shape()[axis];
    let counted = if at < 0 { at + size as i64 } else { at };
    match usize::try_from(counted).ok().filter(|&at| at < size) {
        Some(at) => Ok(x.slice_axis(axis, at, at + 1).squeeze(&[axis])),
        None => Err(call.fail(format!("has no place {at} on axis {axis} of {}", x.ty()))),
    }
}

/// Python's slice of one axis.
fn range<'b>(x: Expr<'b>, axis: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> Expr<'b> {
    let shape = x.shape();
    let size = shape[axis] as i64;
    let (lowest, highest) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let bound = |at: i64| (if at < 0 { at.saturating_add(size) } else { at }).clamp(lowest, highest);
    let first = start.map_or(if step > 0 { 0 } else { highest }, bound);
    let end = stop.map_or(if step > 0 { size } else { -1 }, bound);
    let width = step.unsigned_abs();
    let distance = if step > 0 { end - first } else { first - end };
    let count = u64::try_from(distance).unwrap_or(0).div_ceil(width);
    let (from, to) = match (count, step > 0) {
        (0, _) => (0, 0),
        (_, true) => (first as usize, end as usize),
        (count, false) => (first as usize - ((count - 1) * width) as usize, first as usize + 1),
    };
    let (mut starts, mut stops, mut steps) = (vec![0; shape.rank()], shape.to_vec(), vec![1; shape.rank()]);
    (starts[axis], stops[axis]) = (from, to);
    steps[axis] = usize::try_from(width).unwrap_or(usize::MAX).min(shape[axis].max(1));
    let part = x.slice(&starts, &stops, &steps);
    if step > 0 { part } else { part.reverse(&[axis]) }
}

/// The elements at whole-number places along an axis. Negative ones count from the end; others outside give NaN, or 0
/// in whole numbers.
pub(crate) fn take<'b>(x: Expr<'b>, places: Expr<'b>, axis: usize) -> Expr<'b> {
    let places =
        if matches!(places.dtype(), DType::I32 | DType::I64) { places } else { places.cast(DType::I32) };
    let size = x.shape()[axis] as f64;
    let places = places.lt(places.number(0.0)).select(places + size, places);
    let taken = x.gather(places, axis, 0);
    if !x.dtype().is_float() {
        return taken;
    }
    let inside = places.ge(places.number(0.0)).and(places.lt(places.number(size)));
    let axes: Vec<usize> = (axis..axis + places.rank()).collect();
    inside.broadcast(taken.shape(), &axes).select(taken, taken.number(f64::NAN))
}

/// [`take`] along an axis, or of all elements.
pub(super) fn take_op<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let (x, places) = (call.x()?, call.value(1)?);
    match call.attributes().integer("axis")? {
        Some(axis) => Ok(vec![take(x, places, shapes::axis(call.class, axis, x)?)]),
        None => Ok(vec![take(x.reshape([x.shape().elements()]), places, 0)]),
    }
}

/// The elements at places along an axis, different ones for each line.
pub(super) fn take_along_axis<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let (x, places) = (call.x()?, call.value(1)?);
    let axis = call.axis("axis", x)?;
    let others = |value: Expr<'b>| value.shape().without(&[axis]);
    if places.rank() != x.rank() || others(x) != others(places) || !places.dtype().is_integer() {
        return Err(call.fail(format!(
            "of {} needs whole numbers of its shape but for axis {axis}; it got {}",
            x.ty(),
            places.ty()
        )));
    }
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(axis, x.rank() - 1);
    let places = places.lt(places.number(0.0)).select(places + x.shape()[axis] as f64, places);
    Ok(vec![derived::take_along_last(x.transpose(&order), places.transpose(&order)).transpose(&order)])
}

/// 1 at the place that each number names along a new axis.
pub(super) fn one_hot<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let axis =
        shapes::axis(call.class, call.attributes().integer("axis")?.unwrap_or(-1), x.expand(x.rank()))?;
    let hot = derived::one_hot(x, classes(call)?, call.dtype("dtype")?.unwrap_or(DType::F32));
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.insert(axis, x.rank());
    Ok(vec![hot.transpose(&order)])
}

/// 1 at every place that is named along the last axis.
pub(super) fn multi_hot<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    if call.attributes().integer("axis")?.is_some_and(|axis| axis != -1) || x.rank() == 0 {
        return Err(call.attributes().wrong("axis", "-1"));
    }
    let hot = derived::one_hot(x, classes(call)?, call.dtype("dtype")?.unwrap_or(DType::F32));
    Ok(vec![hot.reduce(cornu_ir::ops::Reduction::Max, &[usize::from(x.rank() > 1)])])
}

fn classes(call: &Call<'_, '_>) -> Result<usize> {
    let classes = call.attributes().size("num_classes")?.filter(|&classes| i32::try_from(classes).is_ok());
    classes.ok_or_else(|| call.attributes().wrong("num_classes", "a number of classes"))
}

/// The block of a shape that begins at given places.
pub(super) fn slice<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let sizes: Option<Vec<usize>> =
        call.integers("shape")?.iter().map(|&size| usize::try_from(size).ok()).collect();
    let shape = x.shape();
    let fits = |sizes: &Vec<usize>| {
        sizes.len() == shape.rank() && sizes.iter().zip(shape.iter()).all(|(a, b)| a <= b)
    };
    let sizes = sizes.filter(fits);
    let sizes =
        sizes.ok_or_else(|| call.attributes().wrong("shape", format!("sizes of a part of {}", x.ty())))?;
    let starts = call.value(1)?;
    if !starts.dtype().is_integer() || starts.shape()[..] != [shape.rank()] {
        return Err(call.fail(format!(
            "needs a place to begin for each axis of {}; it got {}",
            x.ty(),
            starts.ty()
        )));
    }
    Ok(vec![x.dynamic_slice(starts, sizes)])
}

/// 0, 1, 2, … or from `start` to below `stop` by `step`: numbers alone.
pub(super) fn arange<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let number = |place: usize| match call.optional(place) {
        Ok(Some(Operand::Number(number, _))) => Ok(Some(number)),
        Ok(None) => Ok(None),
        Ok(Some(Operand::Tensor(_))) | Err(_) => Err(call.fail("needs numbers")),
    };
    let (first, second, step) = (number(0)?.unwrap_or(0.0), number(1)?, number(2)?.unwrap_or(1.0));
    let (start, stop) = second.map_or((0.0, first), |stop| (first, stop));
    let count = ((stop - start) / step).ceil().max(0.0);
    if !count.is_finite() || count > f64::from(i32::MAX) {
        return Err(call.fail("needs bounds and a step between which are at most 2147483647 numbers"));
    }
    let whole = [start, stop, step].iter().all(|number| number.fract() == 0.0);
    let dtype = call.dtype("dtype")?.unwrap_or(if whole { DType::I32 } else { DType::F32 });
    let places = call.builder.iota(Type::new(DType::F32, [count as usize]), 0);
    Ok(vec![operand::to(places * step + start, dtype)])
}
