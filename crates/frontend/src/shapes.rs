//! Axes counted from the end, and Keras's rule for a trailing axis of size 1.

use cornu_ir::{Expr, Shape};

use crate::error::{Error, Result};

/// The axis that `axis` names in `x`; negative ones count from the end. `what` is for the error.
pub(crate) fn axis(what: &str, axis: i64, x: Expr<'_>) -> Result<usize> {
    let rank = x.rank() as i64;
    let counted = if axis < 0 { axis + rank } else { axis };
    let fits = (0..rank).contains(&counted);
    fits.then_some(counted as usize).ok_or_else(|| Error::Shape {
        what: what.into(),
        needed: format!("an argument that has an axis {axis}"),
        got: x.ty(),
    })
}

/// The axes that `axes` name in `x`, ascending.
pub(crate) fn axes(what: &str, axes: &[i64], x: Expr<'_>) -> Result<Vec<usize>> {
    let mut counted = axes.iter().map(|&one| axis(what, one, x)).collect::<Result<Vec<usize>>>()?;
    counted.sort_unstable();
    counted.dedup();
    Ok(counted)
}

/// Two tensors whose ranks differ by one, brought to one rank if the extra axis is the last and has size 1.
///
/// Keras's `squeeze_or_expand_to_same_rank`: `[n]` beside `[n, 1]` becomes `[n, 1]`, in all other cases the extra
/// axis is taken away. What does not fit is returned as it was.
pub(crate) fn same_rank<'b>(a: Expr<'b>, b: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
    let ends_in_one = |shape: &Shape| shape.last() == Some(&1);
    let (m, n) = (a.rank(), b.rank());
    if m == n + 1 && ends_in_one(&a.shape()) {
        return if n == 1 { (a, b.expand(1)) } else { (a.squeeze(&[n]), b) };
    }
    if n == m + 1 && ends_in_one(&b.shape()) {
        return if m == 1 { (a.expand(1), b) } else { (a, b.squeeze(&[m])) };
    }
    (a, b)
}

/// `[…, size, …]` made of a reduced value: the axis that `reduce` took out is put back with size 1.
pub(crate) fn keep_axes<'b>(reduced: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    axes.iter().fold(reduced, |x, &axis| x.expand(axis))
}

/// `x` with axes of size 1 in front, so that it has `rank` axes: NumPy's rule, for where Keras follows it.
pub(crate) fn align_last(x: Expr<'_>, rank: usize) -> Expr<'_> {
    (x.rank()..rank).fold(x, |x, _| x.expand(0))
}

/// Both values with as many axes as the one that has more, lined up at the last: operators then broadcast as NumPy's.
pub(crate) fn lined_up<'b>(a: Expr<'b>, b: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
    let rank = a.rank().max(b.rank());
    (align_last(a, rank), align_last(b, rank))
}

/// The shape that both have after NumPy's broadcasting, if there is one.
pub(crate) fn common(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |own| shape[own]);
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (m, n) if m == n || n == 1 => Some(m),
            (1, n) => Some(n),
            _ => None,
        })
        .collect()
}

/// Broadcast to `shape` as NumPy does; the shapes are known to fit.
pub(crate) fn broadcast_to<'b>(x: Expr<'b>, shape: &[usize]) -> Expr<'b> {
    let own = x.shape();
    let missing = shape.len().saturating_sub(own.rank());
    let kept: Vec<usize> = (0..own.rank()).filter(|&axis| own[axis] == shape[axis + missing]).collect();
    let squeezed: Vec<usize> = kept.iter().map(|&axis| own[axis]).collect();
    let places: Vec<usize> = kept.iter().map(|&axis| axis + missing).collect();
    x.reshape(squeezed).broadcast(shape.to_vec(), &places)
}

/// `x` with axes of size 1 behind, so that it has `rank` axes: a mask of steps beside what is masked.
pub(crate) fn align_first(x: Expr<'_>, rank: usize) -> Expr<'_> {
    (x.rank()..rank).fold(x, |x, axis| x.expand(axis))
}
