//! Huber loss.

use cornu_ir::{Expr, derived};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// e²/2 where |e| ≤ delta, delta·|e| - delta²/2 beyond, with e = p - t, averaged over the last axis.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]`.
pub fn huber<'b>(y_true: Expr<'b>, y_pred: Expr<'b>, delta: f64) -> Result<Expr<'b>> {
    let (t, p) = paired("huber", y_true, y_pred)?;
    let error = p - t;
    let small = error.square() * 0.5;
    let large = error.abs() * delta - 0.5 * delta * delta;
    let values = error.abs().le(error.number(delta)).select(small, large);
    Ok(derived::mean(values, &[t.rank() - 1]))
}

/// [`huber`] as a loss: for regression with outliers.
#[derive(Clone, Debug, PartialEq)]
pub struct Huber {
    settings: Settings,
    delta: f64,
}

settings!(Huber);

impl Default for Huber {
    fn default() -> Huber {
        // Keras's one loss whose name is not that of its function.
        let settings = Settings { name: Some("huber_loss".into()), ..Settings::default() };
        Huber { settings, delta: 1.0 }
    }
}

impl Huber {
    /// The error from which on the loss grows evenly.
    pub fn delta(mut self, delta: f64) -> Huber {
        self.delta = delta;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Huber> {
        Ok(Huber::new().delta(arguments.number_or("delta", 1.0)?))
    }
}

impl Loss for Huber {
    fn class_name(&self) -> &str {
        "Huber"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// Keras forgets the delta; it reads it, so it is written where it is not the default.
    fn arguments(&self) -> Map<String, Value> {
        (self.delta != 1.0).then(|| ("delta".to_string(), json!(self.delta))).into_iter().collect()
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        huber(y_true, y_pred, self.delta)
    }
}
