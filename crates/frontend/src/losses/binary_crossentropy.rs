//! Binary crossentropy.

use cornu_ir::{Expr, derived};
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};
use crate::shapes;

/// -t·ln p - (1 - t)·ln(1 - p), averaged over `axis`.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]` for the last axis. Predictions are
/// probabilities kept within [ε, 1 - ε], or logits x with p = σ(x), for which nothing has to be cut off.
/// `label_smoothing` s moves labels towards ½: t·(1 - s) + s/2.
pub fn binary_crossentropy<'b>(
    y_true: Expr<'b>,
    y_pred: Expr<'b>,
    from_logits: bool,
    label_smoothing: f64,
    axis: i64,
) -> Result<Expr<'b>> {
    let (t, p) = paired("binary_crossentropy", y_true, y_pred)?;
    let axis = shapes::axis("binary_crossentropy", axis, p)?;
    let t = smoothed(t, label_smoothing);
    let values = if from_logits { of_logits(t, p) } else { of_probabilities(t, p) };
    Ok(derived::mean(values, &[axis]))
}

/// Labels moved towards ½ by the share `smoothing` of the way.
pub(super) fn smoothed(t: Expr<'_>, smoothing: f64) -> Expr<'_> {
    if smoothing == 0.0 { t } else { t * (1.0 - smoothing) + 0.5 * smoothing }
}

pub(super) fn of_probabilities<'b>(t: Expr<'b>, p: Expr<'b>) -> Expr<'b> {
    let p = p.clip(EPSILON, 1.0 - EPSILON);
    -(t * p.log() + (1.0 - t) * (1.0 - p).log())
}

/// softplus(x) - t·x in the order that cancels nothing: max(x, 0) - t·x is exact for labels 0 and 1, and ln(1 + e^-|x|)
/// comes last. See `softplus` for why the 0 stands first.
fn of_logits<'b>(t: Expr<'b>, x: Expr<'b>) -> Expr<'b> {
    x.number(0.0).max(x) - t * x + x.min(-x).exp().log1p()
}

/// [`binary_crossentropy`] as a loss: for yes and no, once or several times for each sample.
#[derive(Clone, Debug, PartialEq)]
pub struct BinaryCrossentropy {
    settings: Settings,
    from_logits: bool,
    label_smoothing: f64,
    axis: i64,
}

settings!(BinaryCrossentropy);

impl Default for BinaryCrossentropy {
    fn default() -> BinaryCrossentropy {
        BinaryCrossentropy {
            settings: Settings::default(),
            from_logits: false,
            label_smoothing: 0.0,
            axis: -1,
        }
    }
}

impl BinaryCrossentropy {
    /// True if the model gives logits, that is, has no sigmoid at its end.
    pub fn from_logits(mut self, from_logits: bool) -> BinaryCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// How far labels move towards ½: 0 for not at all.
    pub fn label_smoothing(mut self, label_smoothing: f64) -> BinaryCrossentropy {
        self.label_smoothing = label_smoothing;
        self
    }

    /// The axis to average over.
    pub fn axis(mut self, axis: i64) -> BinaryCrossentropy {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<BinaryCrossentropy> {
        Ok(BinaryCrossentropy::new()
            .from_logits(arguments.boolean_or("from_logits", false)?)
            .label_smoothing(arguments.number_or("label_smoothing", 0.0)?)
            .axis(arguments.integer("axis")?.unwrap_or(-1)))
    }
}

impl Loss for BinaryCrossentropy {
    fn class_name(&self) -> &str {
        "BinaryCrossentropy"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("from_logits".to_string(), json!(self.from_logits)),
            ("label_smoothing".to_string(), json!(self.label_smoothing)),
            ("axis".to_string(), json!(self.axis)),
        ])
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)
    }
}
