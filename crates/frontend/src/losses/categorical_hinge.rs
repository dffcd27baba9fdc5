//! Categorical hinge.

use cornu_ir::Expr;
use cornu_ir::ops::Reduction;

use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// max(0, 1 + max((1 - t)·p) - Σ t·p) over the last axis: the score of the right class should be 1 above all others.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn categorical_hinge<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("categorical_hinge", y_true, y_pred)?;
    let last = [t.rank() - 1];
    let right = (t * p).sum(&last);
    let wrong = ((1.0 - t) * p).reduce(Reduction::Max, &last);
    Ok((wrong - right + 1.0).max(wrong.number(0.0)))
}

/// [`categorical_hinge`] as a loss: for one-hot labels and scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CategoricalHinge {
    settings: Settings,
}

settings!(CategoricalHinge);

impl Loss for CategoricalHinge {
    fn class_name(&self) -> &str {
        "CategoricalHinge"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        categorical_hinge(y_true, y_pred)
    }
}
