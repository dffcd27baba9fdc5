//! Operations that move elements: other shapes, other orders, several values into one and one into several.

use cornu_ir::{DType, Expr, Type};
use serde_json::Value;

use super::call::Call;
use super::elementwise::Outputs;
use super::operand;
use crate::error::Result;
use crate::shapes;

/// Another shape; one size may be -1.
pub(super) fn reshape<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let target = call.integers("newshape")?;
    let elements = x.shape().elements();
    let known: Option<usize> = target
        .iter()
        .filter(|&&size| size != -1)
        .try_fold(1usize, |product, &size| product.checked_mul(usize::try_from(size).ok()?));
    let rest = match (known, target.iter().filter(|&&size| size == -1).count()) {
        (Some(known), 0) if known == elements => Some(1),
        (Some(known), 1) if known > 0 && elements.is_multiple_of(known) => Some(elements / known),
        _ => None,
    };
    let Some(rest) = rest else {
        return Err(call.fail(format!("to {target:?} needs a value of as many elements; it got {}", x.ty())));
    };
    let size = |&size: &i64| usize::try_from(size).unwrap_or(rest);
    Ok(vec![x.reshape(target.iter().map(size).collect::<Vec<usize>>())])
}

/// The axes in another order; reversed if none is given.
pub(super) fn transpose<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let Some(axes) = call.attributes().integers("axes")? else {
        return Ok(vec![x.transpose(&(0..x.rank()).rev().collect::<Vec<_>>())]);
    };
    let order = axes.iter().map(|&axis| shapes::axis(call.class, axis, x)).collect::<Result<Vec<usize>>>()?;
    if (0..x.rank()).any(|axis| !order.contains(&axis)) || order.len() != x.rank() {
        return Err(call
            .attributes()
            .wrong("axes", format!("each of the {} axes of {} once", x.rank(), x.ty())));
    }
    Ok(vec![x.transpose(&order)])
}

/// Two axes for each other.
pub(super) fn swap_axes<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(call.axis("axis1", x)?, call.axis("axis2", x)?);
    Ok(vec![x.transpose(&order)])
}

/// Axes to other places; the others keep their order.
pub(super) fn move_axis<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let places = |key: &str| -> Result<Vec<usize>> {
        call.integers(key)?.iter().map(|&axis| shapes::axis(call.class, axis, x)).collect()
    };
    let (from, to) = (places("source")?, places("destination")?);
    let mut moves: Vec<(usize, usize)> = to.iter().copied().zip(from.iter().copied()).collect();
    moves.sort_unstable();
    let mut order: Vec<usize> = (0..x.rank()).filter(|axis| !from.contains(axis)).collect();
    for (place, axis) in moves {
        order.insert(place.min(order.len()), axis);
    }
    if from.len() != to.len() || order.len() != x.rank() {
        return Err(call.attributes().wrong("destination", "as many different axes as `source`"));
    }
    Ok(vec![x.transpose(&order)])
}

/// New axes of size 1.
pub(super) fn expand_dims<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let given = call.integers("axis")?;
    let rank = (x.rank() + given.len()) as i64;
    let counted = given.iter().map(|&axis| if axis < 0 { axis + rank } else { axis });
    let mut axes: Vec<usize> =
        counted.filter(|axis| (0..rank).contains(axis)).map(|axis| axis as usize).collect();
    axes.sort_unstable();
    if axes.len() != given.len() {
        return Err(call.attributes().wrong("axis", format!("axes of a result with {rank} axes")));
    }
    Ok(vec![axes.iter().fold(x, |x, &axis| x.expand(axis))])
}

/// Without axes of size 1: those given, or all.
pub(super) fn squeeze<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let shape = x.shape();
    let axes = match call.attributes().integers("axis")? {
        Some(axes) => shapes::axes(call.class, &axes, x)?,
        None => (0..shape.rank()).filter(|&axis| shape[axis] == 1).collect(),
    };
    if axes.iter().any(|&axis| shape[axis] != 1) {
        return Err(call.attributes().wrong("axis", format!("axes of size 1; the value is {}", x.ty())));
    }
    Ok(vec![x.squeeze(&axes)])
}

/// Values one after another along an axis.
pub(super) fn concatenate<'b>(call: &Call<'_, 'b>, axis: Option<i64>) -> Outputs<'b> {
    let values = call.all()?;
    let axis = match axis {
        Some(axis) => shapes::axis(call.class, axis, values[0])?,
        None => call.axis("axis", values[0])?,
    };
    let other = |value: &Expr<'b>| value.shape().without(&[axis]);
    if let Some(odd) =
        values.iter().find(|value| value.rank() != values[0].rank() || other(value) != other(&values[0]))
    {
        let needed = format!(
            "needs values that are equal but for axis {axis}; it got {} and {}",
            values[0].ty(),
            odd.ty()
        );
        return Err(call.fail(needed));
    }
    Ok(vec![Expr::concat(&values, axis)])
}

/// Values one after another along a new axis.
pub(super) fn stack<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let values = call.all()?;
    if let Some(odd) = values.iter().find(|value| value.shape() != values[0].shape()) {
        return Err(call.fail(format!(
            "needs values of one shape; it got {} and {}",
            values[0].ty(),
            odd.ty()
        )));
    }
    let axis =
        shapes::axis(call.class, call.attributes().integer("axis")?.unwrap_or(0), values[0].expand(0))?;
    let expanded: Vec<Expr<'b>> = values.iter().map(|value| value.expand(axis)).collect();
    Ok(vec![Expr::concat(&expanded, axis)])
}

/// Parts along an axis: so many equal ones, or cut at given places.
pub(super) fn split<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let axis = call.axis("axis", x)?;
    let size = x.shape()[axis];
    let key = "indices_or_sections";
    let cuts: Vec<usize> = match call.attributes().value(key) {
        Some(Value::Array(_)) => {
            let cuts = call.integers(key)?;
            cuts.iter().map(|&cut| cut.clamp(0, size as i64) as usize).chain([size]).collect()
        }
        _ => {
            let parts = call.attributes().size(key)?.filter(|&parts| parts > 0 && size.is_multiple_of(parts));
            let parts = parts
                .ok_or_else(|| call.attributes().wrong(key, format!("a number of equal parts of {size}")))?;
            (1..=parts).map(|part| part * (size / parts)).collect()
        }
    };
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    Ok(starts.zip(&cuts).map(|(start, &stop)| x.slice_axis(axis, start.min(stop), stop)).collect())
}

/// One value for each place along an axis.
pub(super) fn unstack<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let axis = call.axis("axis", x)?;
    Ok((0..x.shape()[axis]).map(|at| x.slice_axis(axis, at, at + 1).squeeze(&[axis])).collect())
}

/// The elements along axes in the opposite order.
pub(super) fn flip<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    Ok(vec![x.reverse(&call.axes("axis", x)?)])
}

/// Elements moved along axes; those that leave at one end come in at the other.
pub(super) fn roll<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let shifts = call.integers("shift")?;
    let turn = |x: Expr<'b>, axis: usize, shift: i64| {
        let size = x.shape()[axis];
        let at = if size == 0 { 0 } else { (-shift).rem_euclid(size as i64) as usize };
        if at == 0 {
            x
        } else {
            Expr::concat(&[x.slice_axis(axis, at, size), x.slice_axis(axis, 0, at)], axis)
        }
    };
    let Some(axes) = call.attributes().integers("axis")? else {
        return Ok(vec![turn(x.reshape([x.shape().elements()]), 0, shifts.iter().sum()).reshape(x.shape())]);
    };
    if shifts.len() != axes.len() && shifts.len() != 1 {
        return Err(call.attributes().wrong("shift", "one number, or one for each axis"));
    }
    let shift = shifts.iter().cycle();
    let turned = axes.iter().zip(shift).try_fold(x, |x, (&axis, &shift)| -> Result<Expr<'b>> {
        Ok(turn(x, shapes::axis(call.class, axis, x)?, shift))
    });
    Ok(vec![turned?])
}

/// Each element several times along an axis.
pub(super) fn repeat<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let (x, axis) = match call.attributes().integer("axis")? {
        Some(axis) => (x, shapes::axis(call.class, axis, x)?),
        None => (x.reshape([x.shape().elements()]), 0),
    };
    let size = x.shape()[axis];
    let times: Option<Vec<usize>> =
        call.integers("repeats")?.iter().map(|&n| usize::try_from(n).ok()).collect();
    let times = times.filter(|times| times.len() == 1 || times.len() == size);
    let times = times.ok_or_else(|| {
        call.attributes().wrong("repeats", format!("a count, or one for each of {size} places"))
    })?;
    let places =
        (0..size).flat_map(|at| std::iter::repeat_n(at as i64, times[if times.len() == 1 { 0 } else { at }]));
    let places: Vec<i64> = places.collect();
    let ty = Type::new(DType::I32, [places.len()]);
    Ok(vec![x.gather(call.builder.constant(cornu_ir::Tensor::from_integers(&ty, places)), axis, 0)])
}

/// The whole value several times along each axis.
pub(super) fn tile<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let times: Option<Vec<usize>> =
        call.integers("repeats")?.iter().map(|&n| usize::try_from(n).ok()).collect();
    let mut times =
        times.ok_or_else(|| call.attributes().wrong("repeats", "counts that are not negative"))?;
    let x = call.x()?;
    let x = shapes::align_last(x, times.len());
    times.splice(0..0, vec![1; x.rank() - times.len()]);
    let shape = x.shape();
    let pairs: Vec<usize> =
        times.iter().zip(shape.iter()).flat_map(|(&times, &size)| [times, size]).collect();
    let own: Vec<usize> = (0..shape.rank()).map(|axis| 2 * axis + 1).collect();
    let whole: Vec<usize> = times.iter().zip(shape.iter()).map(|(&times, &size)| times * size).collect();
    Ok(vec![x.broadcast(pairs, &own).reshape(whole)])
}

/// Stretched to a shape as NumPy does.
pub(super) fn broadcast_to<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let shape: Option<Vec<usize>> =
        call.integers("shape")?.iter().map(|&size| usize::try_from(size).ok()).collect();
    let fits = shape.filter(|shape| shapes::common(&x.shape(), shape).as_ref() == Some(shape));
    let shape = fits.ok_or_else(|| {
        call.attributes().wrong("shape", format!("one that {} can be stretched to", x.ty()))
    })?;
    Ok(vec![shapes::broadcast_to(x, &shape)])
}

/// Elements around the value.
pub(super) fn pad<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let rank = x.rank();
    let widths = widths(call.attributes().value("pad_width"), rank);
    let needed = format!("a count, two, or two for each of the {rank} axes");
    let widths = widths.ok_or_else(|| call.attributes().wrong("pad_width", needed))?;
    let mode = call.attributes().text("mode")?.unwrap_or("constant");
    if mode == "constant" {
        let fill = match call.optional(1)? {
            Some(fill) => operand::to(fill.value(call.builder), x.dtype()).reshape(cornu_ir::Shape::scalar()),
            None => x.number(0.0),
        };
        let (low, high): (Vec<usize>, Vec<usize>) = widths.into_iter().unzip();
        return Ok(vec![x.pad(fill, &low, &high, &vec![0; rank])]);
    }
    let skip = match mode {
        "reflect" => 1,
        "symmetric" => 0,
        _ => return Err(call.attributes().wrong("mode", "one of constant, reflect, symmetric")),
    };
    let mut padded = x;
    for (axis, (low, high)) in widths.into_iter().enumerate() {
        let size = padded.shape()[axis];
        if low.max(high) + skip > size {
            return Err(call.fail(format!(
                "by {mode} needs no more elements than there are along axis {axis} of {}",
                x.ty()
            )));
        }
        let before = padded.slice_axis(axis, skip, skip + low).reverse(&[axis]);
        let after = padded.slice_axis(axis, size - skip - high, size - skip).reverse(&[axis]);
        padded = Expr::concat(&[before, padded, after], axis);
    }
    Ok(vec![padded])
}

/// How many elements before and after, for each axis: from a count, a pair, or pairs.
fn widths(value: Option<&Value>, rank: usize) -> Option<Vec<(usize, usize)>> {
    let count = |value: &Value| value.as_u64().and_then(|count| usize::try_from(count).ok());
    let pair = |value: &Value| match value.as_array()?.as_slice() {
        [both] => Some((count(both)?, count(both)?)),
        [low, high] => Some((count(low)?, count(high)?)),
        _ => None,
    };
    let value = value?;
    if let Some(both) = count(value) {
        return Some(vec![(both, both); rank]);
    }
    if let Some(both) = pair(value) {
        return Some(vec![both; rank]);
    }
    let pairs: Vec<(usize, usize)> = value.as_array()?.iter().map(pair).collect::<Option<_>>()?;
    match pairs[..] {
        [both] => Some(vec![both; rank]),
        _ => Some(pairs).filter(|pairs| pairs.len() == rank),
    }
}

/// Only what lies on one side of a diagonal of the last two axes; 0 elsewhere.
pub(super) fn triangle<'b>(call: &Call<'_, 'b>, lower: bool) -> Outputs<'b> {
    let x = call.x()?;
    if x.rank() < 2 {
        return Err(call.fail(format!("needs a value of 2 axes or more; it got {}", x.ty())));
    }
    let offset = call.attributes().integer("k")?.unwrap_or(0) as f64;
    let ty = Type::new(DType::I32, x.shape());
    let row = call.builder.iota(ty.clone(), x.rank() - 2);
    let column = call.builder.iota(ty, x.rank() - 1);
    let diagonal = row + offset;
    let inside = if lower { column.le(diagonal) } else { column.ge(diagonal) };
    Ok(vec![inside.select(x, x.number(0.0))])
}
