//! Categorical crossentropy.

use cornu_ir::{Expr, derived};
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};
use crate::shapes;

/// -Σ t·ln p over the classes, which lie along `axis`.
///
/// Labels and predictions are `[batch, …, classes]`, the result is `[batch, …]`. Predictions are probabilities
/// (divided by their sum, kept within [ε, 1 - ε]) or logits. `label_smoothing` s spreads a share of each label over
/// all C classes: t·(1 - s) + s/C.
pub fn categorical_crossentropy<'b>(
    y_true: Expr<'b>,
    y_pred: Expr<'b>,
    from_logits: bool,
    label_smoothing: f64,
    axis: i64,
) -> Result<Expr<'b>> {
    let (t, p) = paired("categorical_crossentropy", y_true, y_pred)?;
    let axis = shapes::axis("categorical_crossentropy", axis, p)?;
    let t = smoothed(t, label_smoothing);
    Ok(-(t * log_probabilities(p, axis, from_logits)).sum(&[axis]))
}

/// A share of each label spread over all classes, which lie along the last axis.
pub(super) fn smoothed(t: Expr<'_>, smoothing: f64) -> Expr<'_> {
    let classes = t.shape().last().copied().unwrap_or(1) as f64;
    if smoothing == 0.0 { t } else { t * (1.0 - smoothing) + smoothing / classes }
}

/// ln p along `axis`, of logits as they are, of probabilities divided by their sum and kept within [ε, 1 - ε].
fn log_probabilities(p: Expr<'_>, axis: usize, from_logits: bool) -> Expr<'_> {
    if from_logits { derived::log_softmax(p, &[axis]) } else { probabilities(p, axis).log() }
}

/// Probabilities divided by their sum along `axis` and kept within [ε, 1 - ε].
pub(super) fn probabilities(p: Expr<'_>, axis: usize) -> Expr<'_> {
    let sums = p.sum(&[axis]).broadcast_reduced(&p.shape(), &[axis]);
    kept_inside(p / sums)
}

/// Probabilities kept within [ε, 1 - ε], where logarithms are finite.
pub(super) fn kept_inside(p: Expr<'_>) -> Expr<'_> {
    p.clip(EPSILON, 1.0 - EPSILON)
}

/// [`categorical_crossentropy`] as a loss: for one of several classes, with one-hot labels.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoricalCrossentropy {
    settings: Settings,
    from_logits: bool,
    label_smoothing: f64,
    axis: i64,
}

settings!(CategoricalCrossentropy);

impl Default for CategoricalCrossentropy {
    fn default() -> CategoricalCrossentropy {
        let settings = Settings::default();
        CategoricalCrossentropy { settings, from_logits: false, label_smoothing: 0.0, axis: -1 }
    }
}

impl CategoricalCrossentropy {
    /// True if the model gives logits, that is, has no softmax at its end.
    pub fn from_logits(mut self, from_logits: bool) -> CategoricalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// The share of each label that is spread over all classes.
    pub fn label_smoothing(mut self, label_smoothing: f64) -> CategoricalCrossentropy {
        self.label_smoothing = label_smoothing;
        self
    }

    /// The axis of the classes.
    pub fn axis(mut self, axis: i64) -> CategoricalCrossentropy {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<CategoricalCrossentropy> {
        Ok(CategoricalCrossentropy::new()
            .from_logits(arguments.boolean_or("from_logits", false)?)
            .label_smoothing(arguments.number_or("label_smoothing", 0.0)?)
            .axis(arguments.integer("axis")?.unwrap_or(-1)))
    }
}

impl Loss for CategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "CategoricalCrossentropy"
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
        categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing, self.axis)
    }
}
