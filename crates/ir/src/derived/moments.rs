//! Averages and norms.

use super::count;
use crate::expr::Expr;
use crate::types::DType;

/// The mean along `axes`, which disappear.
pub fn mean<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    (wide(x).sum(axes) / count(&x.shape(), axes)).cast(x.dtype())
}

/// The mean of all elements.
pub fn mean_all(x: Expr<'_>) -> Expr<'_> {
    (wide(x).sum_all() / x.shape().elements() as f64).cast(x.dtype())
}

/// In 32 bits or more: a sum that is yet to be divided may be too large for 16.
fn wide(x: Expr<'_>) -> Expr<'_> {
    if matches!(x.dtype(), DType::BF16 | DType::F16) { x.cast(DType::F32) } else { x }
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
