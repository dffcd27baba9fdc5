//! Sample weights beside what they weigh.

use cornu_ir::{DType, Expr};

use crate::error::{Error, Result};
use crate::shapes::align_first;

/// The weight of each element of `x`, in its shape.
///
/// Weights stand for the first axes of `x`: `[batch]` or `[batch, 1]` for one weight a sample, `[batch, steps]` for
/// one a step. An axis of size 1 too many is taken away.
pub(super) fn for_each<'b>(what: &str, weight: Expr<'b>, x: Expr<'b>) -> Result<Expr<'b>> {
    let (shape, rank) = (x.shape(), x.rank());
    let excess = weight.rank() == rank + 1 && weight.shape().last() == Some(&1);
    let own = if excess { weight.squeeze(&[rank]) } else { align_first(weight, rank) };
    let stretches = |(&size, &given): (&usize, &usize)| given == size || given == 1;
    if own.rank() != rank || !shape.iter().zip(own.shape().iter()).all(stretches) {
        return Err(Error::Shapes {
            what: format!("{what}: sample_weight against y_pred"),
            left: weight.ty().into(),
            right: x.ty().into(),
            fix: "Give one weight for each sample, or for each step of each sample".into(),
        });
    }
    Ok(x.cast(DType::F32).full_like(1.0) * own.cast(DType::F32))
}
