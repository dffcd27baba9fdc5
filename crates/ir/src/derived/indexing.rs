//! Picking elements by index along the last axis.

use crate::expr::Expr;
use crate::types::{DType, Type};

/// 1 at the place that each index names along a new last axis, 0 elsewhere; all 0 for an index outside `0..classes`.
pub fn one_hot(indices: Expr<'_>, classes: usize, dtype: DType) -> Expr<'_> {
    let indices = if indices.dtype().is_integer() { indices } else { indices.cast(DType::I32) };
    let rank = indices.rank();
    let shape: Vec<usize> = indices.shape().iter().copied().chain([classes]).collect();
    let places = indices.builder().iota(Type::new(indices.dtype(), shape), rank);
    places.eq(indices.expand(rank)).cast(dtype)
}

/// Element `[…, j]` of the result is element `[…, indices[…, j]]` of `x`; leading axes are the same in both.
pub fn take_along_last<'b>(x: Expr<'b>, indices: Expr<'b>) -> Expr<'b> {
    let axis = x.rank().saturating_sub(1);
    x.gather(indices, axis, axis)
}

/// The elements in order along the last axis.
pub fn sort(x: Expr<'_>, descending: bool) -> Expr<'_> {
    let axis = x.rank().saturating_sub(1);
    let size = x.shape().last().copied().unwrap_or(1);
    take_along_last(x, x.arg_sort(axis, descending, size))
}

/// The `count` largest elements along the last axis, largest first, and their places. Among equals the first wins.
pub fn top_k(x: Expr<'_>, count: usize) -> (Expr<'_>, Expr<'_>) {
    let places = x.arg_sort(x.rank().saturating_sub(1), true, count);
    (take_along_last(x, places), places)
}
