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

/// max(x - τ, 0) along `axis`, with τ as Keras 3 computes it, so that its models give its numbers.
///
/// Keras departs from the paper: where several scores are positive it adds up all their partial sums, and the result
/// does not sum to 1. [`published_sparsemax`] is the function of the paper.
pub fn sparsemax(x: Expr<'_>, axis: i64) -> Result<Expr<'_>> {
    along(x, axis, |scores| scores.sums)
}

/// max(x - τ, 0) along `axis`, with τ such that the sum is 1: the point of the simplex nearest to x.
///
/// Martins, Astudillo 2016, <https://arxiv.org/abs/1602.02068>.
pub fn published_sparsemax(x: Expr<'_>, axis: i64) -> Result<Expr<'_>> {
    along(x, axis, |scores| scores.sorted)
}

/// Scores along the last axis, the largest first.
struct Scores<'b> {
    sorted: Expr<'b>,
    /// Of each score and all before it.
    sums: Expr<'b>,
}

/// max(x - τ, 0) with τ = (Σ terms - 1)/k. The terms and the count go over the k largest scores, which stay positive:
/// k is the last rank whose score is above the τ of the scores up to it.
fn along<'b>(x: Expr<'b>, axis: i64, terms: fn(&Scores<'b>) -> Expr<'b>) -> Result<Expr<'b>> {
    let axis = shapes::axis("sparsemax", axis, x)?;
    let last = x.rank() - 1;
    // Swapping two axes twice puts them back.
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(axis, last);
    let x = x.transpose(&order);

    let sorted = derived::sort(x, true);
    let scores = Scores { sorted, sums: sorted.cumulative(Reduction::Sum, last, false) };
    let rank = x.builder().iota(Type::new(x.dtype(), x.shape()), last) + 1.0;
    let supported = (scores.sorted * rank + 1.0).gt(scores.sums).cast(x.dtype());
    let tau = ((terms(&scores) * supported).sum(&[last]) - 1.0) / supported.sum(&[last]);
    let tau = tau.broadcast_reduced(&x.shape(), &[last]);
    Ok((x - tau).max(x.number(0.0)).transpose(&order))
}
