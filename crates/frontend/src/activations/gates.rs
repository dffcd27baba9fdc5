//! Functions that open like a gate between 0 and 1, and what is multiplied by one.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use cornu_ir::{Expr, derived};

use crate::error::{Error, Result};
use crate::shapes;

/// 1/(1 + e⁻ˣ)
pub fn sigmoid(x: Expr<'_>) -> Expr<'_> {
    x.logistic()
}

/// ln(1/(1 + e⁻ˣ))
pub fn log_sigmoid(x: Expr<'_>) -> Expr<'_> {
    derived::log_sigmoid(x)
}

/// min(max(x + 3, 0), 6)/6. Up to Keras 2 the name meant [`keras2_hard_sigmoid`].
pub fn hard_sigmoid(x: Expr<'_>) -> Expr<'_> {
    (x + 3.0).clip(0.0, 6.0) / 6.0
}

/// min(max(0.2·x + 0.5, 0), 1): what `hard_sigmoid` means in files of Keras 1 and 2.
pub fn keras2_hard_sigmoid(x: Expr<'_>) -> Expr<'_> {
    (x * 0.2 + 0.5).clip(0.0, 1.0)
}

/// min(max((x + 1)/2, 0), 1)
pub fn sparse_sigmoid(x: Expr<'_>) -> Expr<'_> {
    (x + 1.0).clip(0.0, 2.0) * 0.5
}

/// x/(1 + |x|)
pub fn softsign(x: Expr<'_>) -> Expr<'_> {
    x / (x.abs() + 1.0)
}

/// x·σ(x), also called swish.
///
/// Ramachandran, Zoph, Le 2017, <https://arxiv.org/abs/1710.05941>.
pub fn silu(x: Expr<'_>) -> Expr<'_> {
    x * x.logistic()
}

/// x times [`hard_sigmoid`] of x.
///
/// Howard et al. 2019, <https://arxiv.org/abs/1905.02244>.
pub fn hard_silu(x: Expr<'_>) -> Expr<'_> {
    x * hard_sigmoid(x)
}

/// x·tanh(softplus(x))
///
/// Misra 2019, <https://arxiv.org/abs/1908.08681>.
pub fn mish(x: Expr<'_>) -> Expr<'_> {
    x * derived::softplus(x).tanh()
}

/// x·Φ(x) with the normal distribution function Φ, or its approximation by tanh.
///
/// Hendrycks, Gimpel 2016, <https://arxiv.org/abs/1606.08415>.
pub fn gelu(x: Expr<'_>, approximate: bool) -> Expr<'_> {
    if approximate {
        let inner = (x + x.square() * x * 0.044715) * (2.0 / PI).sqrt();
        return x * 0.5 * (inner.tanh() + 1.0);
    }
    x * 0.5 * ((x * FRAC_1_SQRT_2).erf() + 1.0)
}

/// a·σ(b), where a and b are the two halves of x along `axis`.
///
/// Dauphin, Fan, Auli, Grangier 2017, <https://arxiv.org/abs/1612.08083>.
pub fn glu(x: Expr<'_>, axis: i64) -> Result<Expr<'_>> {
    let axis = shapes::axis("glu", axis, x)?;
    let size = x.shape()[axis];
    if !size.is_multiple_of(2) {
        let needed = format!("an even size of axis {axis}, to cut it into halves");
        return Err(Error::Shape { what: "glu".into(), needed, got: x.ty() });
    }
    let (a, b) = (x.slice_axis(axis, 0, size / 2), x.slice_axis(axis, size / 2, size));
    Ok(a * b.logistic())
}
