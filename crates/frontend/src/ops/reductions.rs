//! Operations that make one element of many.

use cornu_ir::ops::{ArgReduction, Reduction};
use cornu_ir::{DType, Expr, derived};

use super::call::Call;
use super::elementwise::Outputs;
use super::operand::{float, number, to};
use crate::shapes;

/// Sum or product; the type holds at least whole numbers.
pub(super) fn total<'b>(call: &Call<'_, 'b>, kind: Reduction) -> Outputs<'b> {
    let x = match call.x()? {
        x if x.dtype() == DType::U8 => x.cast(DType::U32),
        x => number(x),
    };
    let x = call.dtype("dtype")?.map_or(x, |dtype| to(x, dtype));
    let axes = call.axes("axis", x)?;
    call.kept(x.reduce(kind, &axes), &axes)
}

/// The largest or smallest.
pub(super) fn extreme<'b>(call: &Call<'_, 'b>, kind: Reduction) -> Outputs<'b> {
    let x = call.x()?;
    let axes = call.axes("axis", x)?;
    let reduced = x.reduce(kind, &axes);
    let reduced = match (call.attributes().number("initial")?, kind) {
        (None, _) => reduced,
        (Some(initial), Reduction::Min) => reduced.min(reduced.number(initial)),
        (Some(initial), Reduction::Max | Reduction::Sum | Reduction::Prod) => {
            reduced.max(reduced.number(initial))
        }
    };
    call.kept(reduced, &axes)
}

/// Whether one holds, or all.
pub(super) fn holds<'b>(call: &Call<'_, 'b>, kind: Reduction) -> Outputs<'b> {
    let x = to(call.x()?, DType::Bool);
    let axes = call.axes("axis", x)?;
    call.kept(x.reduce(kind, &axes), &axes)
}

/// A function of floats along axes.
pub(super) fn statistic<'b>(
    call: &Call<'_, 'b>,
    function: impl FnOnce(Expr<'b>, &[usize]) -> Expr<'b>,
) -> Outputs<'b> {
    let x = call.float()?;
    let axes = call.axes("axis", x)?;
    call.kept(function(x, &axes), &axes)
}

/// The mean under weights.
pub(super) fn average<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.float()?;
    let axes = call.axes("axis", x)?;
    let Some(weights) = call.optional(1)? else { return Ok(vec![derived::mean(x, &axes)]) };
    let weights = float(weights.value(call.builder)).cast(x.dtype());
    // Weights are of the value's shape, or along the one axis.
    let weights = match axes[..] {
        [axis] if weights.rank() == 1 && weights.shape()[0] == x.shape()[axis] => {
            weights.broadcast(x.shape(), &[axis])
        }
        _ if weights.shape() == x.shape() => weights,
        _ => {
            return Err(call.fail(format!(
                "of {} needs weights of its shape; it got {}",
                x.ty(),
                weights.ty()
            )));
        }
    };
    Ok(vec![(x * weights).sum(&axes) / weights.sum(&axes)])
}

/// How many are not 0.
pub(super) fn count_nonzero<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = to(call.x()?, DType::Bool).cast(DType::I32);
    let axes = call.axes("axis", x)?;
    Ok(vec![x.sum(&axes)])
}

/// The place of the largest or smallest: along an axis, or of all elements.
pub(super) fn place<'b>(call: &Call<'_, 'b>, kind: ArgReduction) -> Outputs<'b> {
    let x = number(call.x()?);
    if call.attributes().integer("axis")?.is_some() {
        let axis = call.axis("axis", x)?;
        return call.kept(x.arg_reduce(kind, axis), &[axis]);
    }
    let axes: Vec<usize> = (0..x.rank()).collect();
    call.kept(x.reshape([x.shape().elements()]).arg_reduce(kind, 0), &axes)
}

/// A length: the root of the sum of squares, or another order along one axis.
pub(super) fn norm<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.float()?;
    let axes = call.axes("axis", x)?;
    let order = call.attributes().value("ord").cloned();
    let vector = axes.len() == 1;
    let number = order.as_ref().and_then(serde_json::Value::as_f64);
    let text = order.as_ref().and_then(serde_json::Value::as_str);
    let length = match (number, text) {
        (None, None) => x.square().sum(&axes).sqrt(),
        (None, Some("fro")) if axes.len() == 2 => x.square().sum(&axes).sqrt(),
        (Some(2.0), _) if vector => x.square().sum(&axes).sqrt(),
        (Some(1.0), _) if vector => x.abs().sum(&axes),
        (None, Some("inf" | "Infinity")) if vector => x.abs().reduce(Reduction::Max, &axes),
        (Some(power), _) if vector && power > 0.0 => {
            x.abs().pow(x.number(power)).sum(&axes).pow(x.number(1.0 / power))
        }
        _ => {
            return Err(call
                .attributes()
                .wrong("ord", "null, \"fro\", or for one axis a number above 0 or \"inf\""));
        }
    };
    call.kept(length, &axes)
}

/// x divided by its length.
pub(super) fn normalize<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.float()?;
    let axes = call.axes("axis", x)?;
    if call.attributes().number("order")?.is_some_and(|order| order != 2.0) {
        return Err(call.attributes().wrong("order", "2"));
    }
    let epsilon = call.attributes().number("epsilon")?.unwrap_or(crate::EPSILON);
    Ok(vec![derived::l2_normalize(x, &axes, epsilon)])
}

/// Mean and variance.
pub(super) fn moments<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.float()?;
    let axes = call.axes("axes", x)?;
    Ok([call.kept(derived::mean(x, &axes), &axes)?, call.kept(derived::variance(x, &axes), &axes)?].concat())
}

/// Running sums or products along an axis, or over all elements.
pub(super) fn cumulative<'b>(call: &Call<'_, 'b>, kind: Reduction) -> Outputs<'b> {
    let x = number(call.x()?);
    let x = call.dtype("dtype")?.map_or(x, |dtype| to(x, dtype));
    if call.attributes().integer("axis")?.is_none() {
        return Ok(vec![x.reshape([x.shape().elements()]).cumulative(kind, 0, false)]);
    }
    Ok(vec![x.cumulative(kind, call.axis("axis", x)?, false)])
}

/// The middle of the sorted elements along axes; of two middles, their mean.
pub(super) fn median<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.float()?;
    let axes = call.axes("axis", x)?;
    let stay: Vec<usize> = (0..x.rank()).filter(|axis| !axes.contains(axis)).collect();
    let order = [stay.clone(), axes.clone()].concat();
    let count: usize = axes.iter().map(|&axis| x.shape()[axis]).product();
    if count == 0 {
        return Err(call.fail(format!("needs elements; it got {}", x.ty())));
    }
    let shape: Vec<usize> = stay.iter().map(|&axis| x.shape()[axis]).chain([count]).collect();
    let sorted = derived::sort(x.transpose(&order).reshape(shape), false);
    let last = stay.len();
    let middle = |at: usize| sorted.slice_axis(last, at, at + 1).squeeze(&[last]);
    call.kept((middle((count - 1) / 2) + middle(count / 2)) * 0.5, &axes)
}

/// ln Σ eˣ
pub(super) fn logsumexp<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    statistic(call, derived::logsumexp)
}

/// The largest and their places.
pub(super) fn top_k<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let count = call.attributes().size("k")?.unwrap_or(0);
    let size = x.shape().last().copied().unwrap_or(0);
    if count > size || x.rank() == 0 {
        return Err(call
            .attributes()
            .wrong("k", format!("no more than the {size} elements of the last axis")));
    }
    let (values, places) = derived::top_k(x, count);
    Ok(vec![values, places])
}

/// The elements in order, or the places that they come from.
pub(super) fn sorted<'b>(call: &Call<'_, 'b>, places: bool) -> Outputs<'b> {
    let x = call.x()?;
    let (x, axis) = match call.attributes().integer("axis")? {
        Some(axis) => (x, shapes::axis(call.class, axis, x)?),
        None => (x.reshape([x.shape().elements()]), 0),
    };
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(axis, x.rank() - 1);
    let moved = x.transpose(&order);
    let last = x.rank() - 1;
    let by = moved.arg_sort(last, false, moved.shape()[last]);
    let found = if places { by } else { derived::take_along_last(moved, by) };
    Ok(vec![found.transpose(&order)])
}
