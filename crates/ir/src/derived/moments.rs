//! Averages and norms.

use super::count;
use crate::expr::Expr;

/// The mean along `axes`, which disappear.
pub fn mean<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    x.sum(axes) / count(&x.shape(), axes)
}

/// The mean of all elements.
pub fn mean_all(x: Expr<'_>) -> Expr<'_> {
    x.sum_all() / x.shape().elements() as f64
}

/// The mean squared distance from the mean along `axes`, which disappear. Divides by n, not n - 1.
pub fn variance<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let centre = mean(x, axes).broadcast_reduced(&x.shape(), axes);
    mean((x - centre).square(), axes)
}

/// √Σx² along `axes`, which disappear. The derivative at the zero vector is 0.
pub fn l2_norm<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let squared = x.square().sum(axes);
    let zero = squared.number(0.0);
    let positive = squared.gt(zero);
    // The root is taken of a number that is safe where its value is not used: √'(0) is infinite.
    positive.select(positive.select(squared, squared.number(1.0)).sqrt(), zero)
}

/// x / max(‖x‖, ε) along `axes`, which stay.
pub fn l2_normalize<'b>(x: Expr<'b>, axes: &[usize], epsilon: f64) -> Expr<'b> {
    let squared = x.square().sum(axes);
    let inverse = squared.max(squared.number(epsilon * epsilon)).rsqrt();
    x * inverse.broadcast_reduced(&x.shape(), axes)
}
