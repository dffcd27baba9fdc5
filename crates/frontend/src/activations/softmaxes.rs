//! Functions that turn scores along an axis into a distribution.

use cornu_ir::ops::Reduction;
use cornu_ir::{Expr, Type, derived};

use crate::error::Result;
use crate::shapes;

/// eˣ / Σ eˣ along `axis`.
pub fn softmax(x: Expr<'_>, axis: i64) -> Result<Expr<'_>> {
    Ok(derived::softmax(x, &[shapes::axis("softmax", axis, x)?]))
}

/// ln softmax(x) along `axis`.
pub fn log_softmax(x: Expr<'_>, axis: i64) -> Result<Expr<'_>> {
    Ok(derived::log_softmax(x, &[shapes::axis("log_softmax", axis, x)?]))
}

/// max(x - τ, 0) along `axis`, with τ such that the sum is 1: the point of the simplex nearest to x.
///
/// Martins, Astudillo 2016, <https://arxiv.org/abs/1602.02068>.
pub fn sparsemax(x: Expr<'_>, axis: i64) -> Result<Expr<'_>> {
    let axis = shapes::axis("sparsemax", axis, x)?;
    let last = x.rank() - 1;
    // Swapping two axes twice puts them back.
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(axis, last);
    Ok(along_last(x.transpose(&order)).transpose(&order))
}

fn along_last(x: Expr<'_>) -> Expr<'_> {
    let (shape, last) = (x.shape(), x.rank() - 1);
    let sorted = derived::sort(x, true);
    let sums = sorted.cumulative(Reduction::Sum, last, false);
    let rank = x.builder().iota(Type::new(x.dtype(), shape.clone()), last) + 1.0;
    // The k largest stay positive, where k is the last rank whose score is above the τ of its prefix.
    let supported = (sorted * rank + 1.0).gt(sums).cast(x.dtype());
    let count = supported.sum(&[last]);
    let total = (sorted * supported).sum(&[last]);
    let tau = (total - 1.0) / count;
    (x - tau.broadcast_reduced(&shape, &[last])).max(x.number(0.0))
}
