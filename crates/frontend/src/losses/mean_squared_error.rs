//! Mean squared error.

use cornu_ir::{Expr, derived};

use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// (t - p)², averaged over the last axis.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn mean_squared_error<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("mean_squared_error", y_true, y_pred)?;
    Ok(derived::mean((t - p).square(), &[t.rank() - 1]))
}

/// [`mean_squared_error`] as a loss: for regression where large errors are much worse than small ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanSquaredError {
    settings: Settings,
}

settings!(MeanSquaredError);

impl Loss for MeanSquaredError {
    fn class_name(&self) -> &str {
        "MeanSquaredError"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        mean_squared_error(y_true, y_pred)
    }
}
