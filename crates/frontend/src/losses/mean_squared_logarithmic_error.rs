//! Mean squared logarithmic error.

use cornu_ir::{Expr, derived};

use crate::EPSILON;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// (ln(1 + max(t, ε)) - ln(1 + max(p, ε)))², averaged over the last axis.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn mean_squared_logarithmic_error<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("mean_squared_logarithmic_error", y_true, y_pred)?;
    let logarithm = |x: Expr<'b>| (x.max(x.number(EPSILON)) + 1.0).log();
    Ok(derived::mean((logarithm(p) - logarithm(t)).square(), &[t.rank() - 1]))
}

/// [`mean_squared_logarithmic_error`] as a loss: for regression over several orders of magnitude.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanSquaredLogarithmicError {
    settings: Settings,
}

settings!(MeanSquaredLogarithmicError);

impl Loss for MeanSquaredLogarithmicError {
    fn class_name(&self) -> &str {
        "MeanSquaredLogarithmicError"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        mean_squared_logarithmic_error(y_true, y_pred)
    }
}
