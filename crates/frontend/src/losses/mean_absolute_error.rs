//! Mean absolute error.

use cornu_ir::{Expr, derived};

use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// |t - p|, averaged over the last axis.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn mean_absolute_error<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("mean_absolute_error", y_true, y_pred)?;
    Ok(derived::mean((t - p).abs(), &[t.rank() - 1]))
}

/// [`mean_absolute_error`] as a loss: for regression where outliers should not dominate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanAbsoluteError {
    settings: Settings,
}

settings!(MeanAbsoluteError);

impl Loss for MeanAbsoluteError {
    fn class_name(&self) -> &str {
        "MeanAbsoluteError"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        mean_absolute_error(y_true, y_pred)
    }
}
