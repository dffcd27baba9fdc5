//! Hinge.

use cornu_ir::ops::Reduction;
use cornu_ir::{Expr, derived};

use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// max(1 - t·p, 0), averaged over the last axis, for labels -1 and 1 (0 and 1 become -1 and 1).
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn hinge<'b>(y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
    let (t, p) = paired("hinge", y_true, y_pred)?;
    let missing = 1.0 - signs(t) * p;
    Ok(derived::mean(missing.max(missing.number(0.0)), &[t.rank() - 1]))
}

/// Labels as -1 and 1. If every label of the batch is 0 or 1, these are what 0 and 1 stand for.
pub(super) fn signs(labels: Expr<'_>) -> Expr<'_> {
    let axes: Vec<usize> = (0..labels.rank()).collect();
    let bits = labels.eq(labels.number(0.0)).or(labels.eq(labels.number(1.0)));
    let all_bits = bits.reduce(Reduction::Min, &axes);
    all_bits.select(labels * 2.0 - 1.0, labels)
}

/// [`hinge`] as a loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hinge {
    settings: Settings,
}

settings!(Hinge);

impl Loss for Hinge {
    fn class_name(&self) -> &str {
        "Hinge"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        hinge(y_true, y_pred)
    }
}
