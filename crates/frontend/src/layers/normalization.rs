//! Normalizations: activations brought to mean 0 and deviation 1, or to length 1. What they share is here.

mod affine;
mod batch;
mod group;
mod layer;
mod renorm;
mod rms;
mod spectral;
mod unit;

pub use batch::BatchNormalization;
pub use group::GroupNormalization;
pub use layer::LayerNormalization;
pub use renorm::RenormClipping;
pub use rms::RMSNormalization;
pub use spectral::SpectralNormalization;
pub use unit::UnitNormalization;

use cornu_ir::{DType, Expr, derived};

use super::Axes;
use crate::error::{Error, Result};
use crate::shapes;

/// In 32 bits or more: sums of squares overflow in 16.
fn widened(x: Expr<'_>) -> Expr<'_> {
    if x.dtype() == DType::F64 { x } else { x.cast(DType::F32) }
}

/// Mean and variance along these axes, which stay with size 1. The variance divides by n.
fn moments<'b>(x: Expr<'b>, axes: &[usize]) -> (Expr<'b>, Expr<'b>) {
    let mean = shapes::keep_axes(derived::mean(x, axes), axes);
    (mean, shapes::keep_axes(derived::mean((x - mean).square(), axes), axes))
}

/// A weight of these axes' sizes beside `x`: with size 1 along all others.
fn beside<'b>(weight: Expr<'b>, x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let shape = x.shape();
    let sizes = (0..shape.rank()).map(|axis| if axes.contains(&axis) { shape[axis] } else { 1 });
    weight.reshape(sizes.collect::<Vec<_>>())
}

/// Fails unless a number under a root is positive.
fn check_epsilon(class: &str, epsilon: f64) -> Result<()> {
    if epsilon >= 0.0 && epsilon.is_finite() {
        return Ok(());
    }
    Err(Error::config(class, "epsilon", epsilon, "a finite number that is not negative"))
}

/// The last axis, what most normalizations are along.
const LAST: Axes = Axes::One(-1);
