//! Poisson loss.

use cornu_ir::{Expr, derived};

use crate::EPSILON;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// p - t·ln(p + ε), averaged over the last axis: the negated log-likelihood of counts t whose expectation is p.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn poisson<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("poisson", y_true, y_pred)?;
    Ok(derived::mean(p - t * (p + EPSILON).log(), &[t.rank() - 1]))
}

/// [`poisson`] as a loss: for counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Poisson {
    settings: Settings,
}

settings!(Poisson);

impl Loss for Poisson {
    fn class_name(&self) -> &str {
        "Poisson"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        poisson(y_true, y_pred)
    }
}
