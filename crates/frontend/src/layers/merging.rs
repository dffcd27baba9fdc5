//! Layers of a list of inputs. What the elementwise ones share is here: ranks, sizes and masks.

mod concatenate;
mod dot;
mod elementwise;

pub use concatenate::Concatenate;
pub use dot::Dot;
pub use elementwise::{Add, Average, Maximum, Minimum, Multiply, Subtract};

use cornu_ir::{DType, Expr};

use super::{Context, Spec};
use crate::error::{Error, Result};
use crate::shapes;

/// The inputs with equal ranks and types, each with its mask.
///
/// Keras puts the missing axes after the batch, and forgets the mask of an input it does that to.
fn matched<'b>(context: &Context<'_, 'b>, inputs: &[Expr<'b>]) -> Vec<(Expr<'b>, Option<Expr<'b>>)> {
    let rank = inputs.iter().map(|input| input.rank()).max().unwrap_or(0);
    let dtype = common_dtype(inputs);
    let matched = inputs.iter().enumerate().map(|(index, &input)| {
        let mask = context.mask(index).filter(|_| input.rank() == rank);
        let expanded = (input.rank()..rank).fold(input, |x, _| x.expand(1));
        (expanded.cast(dtype), mask.map(|mask| shapes::align_first(mask, rank)))
    });
    matched.collect()
}

/// The type of the first input that is float, or of the first.
fn common_dtype(inputs: &[Expr<'_>]) -> DType {
    let mut dtypes = inputs.iter().map(|input| input.dtype());
    dtypes.clone().find(|dtype| dtype.is_float()).or_else(|| dtypes.next()).unwrap_or(DType::F32)
}

/// Where any of the inputs counts; `None` if one of them has no mask, and so counts everywhere.
fn any_mask<'b>(context: &Context<'_, 'b>, inputs: usize) -> Option<Expr<'b>> {
    let masks = (0..inputs).map(|index| context.mask(index)).collect::<Option<Vec<_>>>()?;
    masks.into_iter().reduce(|any, mask| {
        let (any, mask) = shapes::lined_up(any, mask);
        any.or(mask)
    })
}

/// Fails unless there is an input, and the sizes of all inputs, counted from the last, are equal or 1.
fn check_sizes(class: &str, inputs: &[Spec]) -> Result<()> {
    check_count(class, inputs, 1.., "at least 1 input")?;
    let fits = |a: &Spec, b: &Spec| {
        let samples = |spec: &Spec| spec.shape.iter().skip(1).rev().copied().collect::<Vec<_>>();
        samples(a).into_iter().zip(samples(b)).all(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => a == b || a == 1 || b == 1,
            (None, _) | (_, None) => true,
        })
    };
    let pairs = inputs.iter().enumerate().flat_map(|(i, a)| inputs[i + 1..].iter().map(move |b| (a, b)));
    match pairs.into_iter().find(|(a, b)| !fits(a, b)) {
        None => Ok(()),
        Some((a, b)) => Err(Error::Layer {
            path: String::new(),
            reason: format!(
                "{class} needs inputs whose sizes, counted from the last, are equal or 1; it got {a} and {b}"
            ),
        }),
    }
}

/// Fails unless there are so many inputs.
fn check_count(
    class: &str,
    inputs: &[Spec],
    count: impl std::ops::RangeBounds<usize>,
    needed: &str,
) -> Result<()> {
    if count.contains(&inputs.len()) {
        return Ok(());
    }
    let reason = format!("{class} takes a list of {needed}; it got {}", inputs.len());
    Err(Error::Layer { path: String::new(), reason })
}
