//! Kullback-Leibler divergence.

use cornu_ir::Expr;

use crate::EPSILON;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// Σ t·ln(t/p) over the last axis, with both kept within [ε, 1].
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn kl_divergence<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("kl_divergence", y_true, y_pred)?;
    let (t, p) = (t.clip(EPSILON, 1.0), p.clip(EPSILON, 1.0));
    Ok((t * (t / p).log()).sum(&[t.rank() - 1]))
}

/// [`kl_divergence`] as a loss: for predicting distributions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KLDivergence {
    settings: Settings,
}

settings!(KLDivergence);

impl Loss for KLDivergence {
    fn class_name(&self) -> &str {
        "KLDivergence"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        kl_divergence(y_true, y_pred)
    }
}
