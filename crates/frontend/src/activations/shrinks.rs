//! Functions with a dead zone or hard ends.

use cornu_ir::Expr;

/// x - tanh(x)
pub fn tanh_shrink(x: Expr<'_>) -> Expr<'_> {
    x - x.tanh()
}

/// min(max(x, -1), 1)
pub fn hard_tanh(x: Expr<'_>) -> Expr<'_> {
    x.clip(-1.0, 1.0)
}

/// x moved towards 0 by `threshold`, and 0 if it is nearer than that.
pub fn soft_shrink(x: Expr<'_>, threshold: f64) -> Expr<'_> {
    x - x.clip(-threshold, threshold)
}

/// x, but 0 where |x| is not above `threshold`.
pub fn hard_shrink(x: Expr<'_>, threshold: f64) -> Expr<'_> {
    x.abs().gt(x.number(threshold)).select(x, x.number(0.0))
}

/// x where it is above `threshold`, `default_value` elsewhere.
pub fn threshold(x: Expr<'_>, threshold: f64, default_value: f64) -> Expr<'_> {
    x.gt(x.number(threshold)).select(x, x.number(default_value))
}
