//! Filters along one axis, as sums of shifted images.

use cornu_ir::Expr;

/// Each pixel becomes the sum of its neighbours along `axis` times these weights, of which there is an odd number.
/// Beyond the border all is 0.
pub(super) fn filter<'b>(images: Expr<'b>, axis: usize, weights: &[Expr<'b>]) -> Expr<'b> {
    let (rank, size) = (images.rank(), images.shape()[axis]);
    let reach = weights.len() / 2;
    let none = vec![0; rank];
    let around = |amount: usize| {
        let mut sizes = none.clone();
        sizes[axis] = amount;
        sizes
    };
    let low = around(reach);
    let high = around(weights.len() - 1 - reach);
    let padded = images.pad(images.number(0.0), &low, &high, &none);
    let shifted =
        |(start, weight): (usize, &Expr<'b>)| padded.slice_axis(axis, start, start + size) * *weight;
    let sum = weights.iter().enumerate().map(shifted).reduce(|sum, term| sum + term);
    sum.unwrap_or(images)
}
