//! Squared hinge.

use cornu_ir::{Expr, derived};

use crate::error::Result;
use crate::losses::hinge::signs;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// max(1 - t·p, 0)², averaged over the last axis, for labels -1 and 1 (0 and 1 become -1 and 1).
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn squared_hinge<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("squared_hinge", y_true, y_pred)?;
    let missing = 1.0 - signs(t) * p;
    Ok(derived::mean(missing.max(missing.number(0.0)).square(), &[t.rank() - 1]))
}

/// [`squared_hinge`] as a loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SquaredHinge {
    settings: Settings,
}

settings!(SquaredHinge);

impl Loss for SquaredHinge {
    fn class_name(&self) -> &str {
        "SquaredHinge"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        squared_hinge(y_true, y_pred)
    }
}
