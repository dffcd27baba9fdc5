//! Logarithm of the hyperbolic cosine.

use std::f64::consts::LN_2;

use cornu_ir::{Expr, derived};

use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// ln cosh(p - t), averaged over the last axis: e²/2 for small errors, |e| - ln 2 for large ones.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn log_cosh<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("log_cosh", y_true, y_pred)?;
    let e = p - t;
    Ok(derived::mean(e + derived::softplus(e * -2.0) - LN_2, &[t.rank() - 1]))
}

/// [`log_cosh`] as a loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogCosh {
    settings: Settings,
}

settings!(LogCosh);

impl Loss for LogCosh {
    fn class_name(&self) -> &str {
        "LogCosh"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        log_cosh(y_true, y_pred)
    }
}
