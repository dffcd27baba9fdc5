//! Functions around eˣ, arranged so that no intermediate overflows.

use crate::expr::Expr;
use crate::ops::Reduction;

/// ln(1 + eˣ), exact to rounding at both ends, with the derivative σ(x).
pub fn softplus(x: Expr<'_>) -> Expr<'_> {
    // max(x, 0) + ln(1 + e^-|x|). The derivative at 0 relies on `max` and `min` giving ties to their second argument:
    // 1 - 1/2, where |x| and max(x, 0) would give 0.
    x.number(0.0).max(x) + x.min(-x).exp().log1p()
}

/// ln σ(x)
pub fn log_sigmoid(x: Expr<'_>) -> Expr<'_> {
    -softplus(-x)
}

/// ln Σ eˣ along `axes`, which disappear.
pub fn logsumexp<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let shape = x.shape();
    let largest = x.reduce(Reduction::Max, axes).detach();
    // Where all are -∞ (or one is ∞) there is no finite number to take out.
    let finite = largest.abs().lt(largest.number(f64::INFINITY));
    let shift = finite.select(largest, largest.number(0.0));
    (x - shift.broadcast_reduced(&shape, axes)).exp().sum(axes).log() + shift
}

/// eˣ / Σ eˣ along `axes`, which stay.
pub fn softmax<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let shape = x.shape();
    let exponentials = below_zero(x, axes).exp();
    exponentials / exponentials.sum(axes).broadcast_reduced(&shape, axes)
}

/// ln softmax(x) along `axes`, which stay.
pub fn log_softmax<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let shape = x.shape();
    let shifted = below_zero(x, axes);
    shifted - shifted.exp().sum(axes).log().broadcast_reduced(&shape, axes)
}

/// x minus its largest element along `axes`. The shift cancels in what is made of it, so it carries no derivative.
pub fn below_zero<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let largest = x.reduce(Reduction::Max, axes).detach();
    x - largest.broadcast_reduced(&x.shape(), axes)
}
