//! Mean absolute percentage error.

use cornu_ir::{Expr, derived};

use crate::EPSILON;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// 100·|t - p|/max(|t|, ε), averaged over the last axis.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn mean_absolute_percentage_error<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("mean_absolute_percentage_error", y_true, y_pred)?;
    let relative = ((t - p) / t.abs().max(t.number(EPSILON))).abs();
    Ok(derived::mean(relative, &[t.rank() - 1]) * 100.0)
}

/// [`mean_absolute_percentage_error`] as a loss: for regression where errors count relative to the truth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanAbsolutePercentageError {
    settings: Settings,
}

settings!(MeanAbsolutePercentageError);

impl Loss for MeanAbsolutePercentageError {
    fn class_name(&self) -> &str {
        "MeanAbsolutePercentageError"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        mean_absolute_percentage_error(y_true, y_pred)
    }
}
