//! From the losses of samples to one number: sample weights, masks, and five ways to add up.

use std::str::FromStr;

use cornu_ir::{DType, Expr, Shape};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::shapes::same_rank;

/// How the losses of samples become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Σ(weight·loss) / the number of losses, whatever the weights add up to.
    #[default]
    SumOverBatchSize,
    /// The same under a second name.
    Mean,
    /// Σ(weight·loss)
    Sum,
    /// Σ(weight·loss) / Σweight
    MeanWithSampleWeight,
    /// They stay apart.
    None,
}

impl Reduction {
    const ALL: [Reduction; 5] = [
        Reduction::SumOverBatchSize,
        Reduction::Mean,
        Reduction::Sum,
        Reduction::MeanWithSampleWeight,
        Reduction::None,
    ];

    /// Keras's word.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::SumOverBatchSize => "sum_over_batch_size",
            Reduction::Mean => "mean",
            Reduction::Sum => "sum",
            Reduction::MeanWithSampleWeight => "mean_with_sample_weight",
            Reduction::None => "none",
        }
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Reduction> {
        if arguments.is_null("reduction") {
            return Ok(Reduction::None);
        }
        match arguments.text("reduction")? {
            // Keras 2 wrote "auto", which meant the default in every loop that it had.
            None | Some("auto") => Ok(Reduction::default()),
            Some(word) => word.parse(),
        }
    }

    /// True where masked losses are left out of the count that the sum is divided by.
    fn is_mean(self) -> bool {
        match self {
            Reduction::SumOverBatchSize | Reduction::Mean => true,
            Reduction::Sum | Reduction::MeanWithSampleWeight | Reduction::None => false,
        }
    }
}

impl FromStr for Reduction {
    type Err = Error;

    fn from_str(word: &str) -> Result<Reduction> {
        let found = Reduction::ALL.into_iter().find(|reduction| reduction.name() == word);
        found.ok_or_else(|| Error::unknown("reduction", word, Reduction::ALL.map(Reduction::name)))
    }
}

/// Weights the losses of samples and reduces them. `what` names the loss in errors.
///
/// Values are `[batch, …]`; weights have that shape or one that fits it by axes of size 1.
pub fn reduce<'b>(
    what: &str,
    values: Expr<'b>,
    sample_weight: Option<Expr<'b>>,
    mask: Option<Expr<'b>>,
    reduction: Reduction,
) -> Result<Expr<'b>> {
    let weight = masked(what, sample_weight, mask, values.dtype(), reduction.is_mean())?;
    let Some(weight) = weight else { return Ok(reduced(values, None, reduction)) };
    let (values, weight) = same_rank(values, weight);
    if !fits(&values.shape(), &weight.shape()) {
        return Err(Error::Shapes {
            what: format!("{what}: sample_weight against the losses of the samples"),
            left: weight.ty().into(),
            right: values.ty().into(),
            fix: format!("Give weights of the shape {}, or with 1 in place of some sizes", values.shape()),
        });
    }
    Ok(reduced(values * weight, Some(weight), reduction))
}

fn reduced<'b>(values: Expr<'b>, weight: Option<Expr<'b>>, reduction: Reduction) -> Expr<'b> {
    if values.rank() == 0 {
        return values;
    }
    let count = values.shape().elements().max(1) as f64;
    match (reduction, weight) {
        (Reduction::None, _) => values,
        (Reduction::Sum, _) => values.sum_all(),
        (Reduction::SumOverBatchSize | Reduction::Mean, _) => values.sum_all() / count,
        (Reduction::MeanWithSampleWeight, None) => values.sum_all() / count,
        (Reduction::MeanWithSampleWeight, Some(weight)) => divide_no_nan(values.sum_all(), weight.sum_all()),
    }
}

/// The sample weights with those of masked samples set to 0.
///
/// For a mean, weights of the others grow by total/valid, so that dividing by the count of all divides by the count
/// of those that are valid.
pub(crate) fn masked<'b>(
    what: &str,
    sample_weight: Option<Expr<'b>>,
    mask: Option<Expr<'b>>,
    dtype: DType,
    for_mean: bool,
) -> Result<Option<Expr<'b>>> {
    let weight = sample_weight.map(|weight| weight.cast(dtype));
    let Some(mask) = mask else { return Ok(weight) };
    let mut valid = mask.cast(dtype);
    if for_mean {
        let total = valid.number(valid.shape().elements() as f64);
        valid = valid * divide_no_nan(total, valid.sum_all());
    }
    let Some(weight) = weight else { return Ok(Some(valid)) };
    let (valid, weight) = same_rank(valid, weight);
    if !fits(&valid.shape(), &weight.shape()) {
        return Err(Error::Shapes {
            what: format!("{what}: sample_weight against the mask"),
            left: weight.ty().into(),
            right: valid.ty().into(),
            fix: format!("Give weights of the shape {}, or with 1 in place of some sizes", valid.shape()),
        });
    }
    Ok(Some(weight * valid))
}

/// True if one shape can be stretched to the other: a scalar, or equal ranks with 1 where sizes differ.
fn fits(a: &Shape, b: &Shape) -> bool {
    let stretched = || a.iter().zip(b.iter()).all(|(&m, &n)| m == n || m == 1 || n == 1);
    a.rank() == 0 || b.rank() == 0 || (a.rank() == b.rank() && stretched())
}

/// a/b, and 0 where b is 0.
pub(crate) fn divide_no_nan<'b>(a: Expr<'b>, b: Expr<'b>) -> Expr<'b> {
    let zero = b.number(0.0);
    let nothing = b.eq(zero);
    nothing.select(zero, a / nothing.select(b.number(1.0), b))
}
