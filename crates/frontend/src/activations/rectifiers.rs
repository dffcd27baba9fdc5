//! Functions that let the positive part through: relu and what grew out of it.

use cornu_ir::{Expr, derived};

/// max(x, 0) in general: `x` above the threshold but at most `max_value`, `negative_slope·(x - threshold)` below.
pub fn relu(x: Expr<'_>, negative_slope: f64, max_value: Option<f64>, threshold: f64) -> Expr<'_> {
    let zero = x.number(0.0);
    let mut above = if threshold == 0.0 { x.max(zero) } else { x.gt(x.number(threshold)).select(x, zero) };
    if let Some(limit) = max_value {
        above = above.min(x.number(limit));
    }
    if negative_slope == 0.0 {
        return above;
    }
    above - (x.number(threshold) - x).max(zero) * negative_slope
}

/// min(max(x, 0), 6)
pub fn relu6(x: Expr<'_>) -> Expr<'_> {
    x.clip(0.0, 6.0)
}

/// x where it is not negative, `negative_slope`·x elsewhere.
pub fn leaky_relu(x: Expr<'_>, negative_slope: f64) -> Expr<'_> {
    x.ge(x.number(0.0)).select(x, x * negative_slope)
}

/// x where positive, alpha·(eˣ - 1) elsewhere.
///
/// Clevert, Unterthiner, Hochreiter 2016, <https://arxiv.org/abs/1511.07289>.
pub fn elu(x: Expr<'_>, alpha: f64) -> Expr<'_> {
    let (positive, not_positive) = halves(x);
    positive.select(x, not_positive.expm1() * alpha)
}

/// elu scaled so that mean 0 and variance 1 are a fixed point of deep networks.
///
/// Klambauer, Unterthiner, Mayr, Hochreiter 2017, <https://arxiv.org/abs/1706.02515>.
pub fn selu(x: Expr<'_>) -> Expr<'_> {
    elu(x, 1.6732632423543772) * 1.0507009873554805
}

/// x where positive, alpha·(e^(x/alpha) - 1) elsewhere: elu with a derivative that has no jump.
///
/// Barron 2017, <https://arxiv.org/abs/1704.07483>.
pub fn celu(x: Expr<'_>, alpha: f64) -> Expr<'_> {
    let (positive, not_positive) = halves(x);
    positive.select(x, (not_positive / alpha).expm1() * alpha)
}

/// Where x is positive, and x elsewhere. The exponential of the other side is not used; it must not overflow, or its
/// derivative 0·∞ would be NaN.
fn halves(x: Expr<'_>) -> (Expr<'_>, Expr<'_>) {
    let zero = x.number(0.0);
    let positive = x.gt(zero);
    (positive, positive.select(zero, x))
}

/// ln(1 + eˣ)
pub fn softplus(x: Expr<'_>) -> Expr<'_> {
    derived::softplus(x)
}

/// (x + √(x² + b))/2
pub fn squareplus(x: Expr<'_>, b: f64) -> Expr<'_> {
    (x + (x.square() + b).sqrt()) * 0.5
}

/// 0 up to -1, (x + 1)²/4 up to 1, x beyond.
pub fn sparse_plus(x: Expr<'_>) -> Expr<'_> {
    let (low, high) = (x.number(-1.0), x.number(1.0));
    let middle = (x + 1.0).square() * 0.25;
    x.le(low).select(x.number(0.0), x.ge(high).select(x, middle))
}
