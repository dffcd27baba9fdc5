//! Categorical focal crossentropy.

use cornu_ir::Expr;
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::losses::categorical_crossentropy::{probabilities, smoothed};
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};
use crate::{activations, shapes};

/// Σ alpha·(1 - p)^gamma·(-t·ln p) over the classes along `axis`: what is predicted well counts little.
///
/// Labels and predictions are `[batch, …, classes]`, the result is `[batch, …]`.
/// Lin et al. 2018, <https://arxiv.org/abs/1708.02002>.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoricalFocalCrossentropy {
    settings: Settings,
    alpha: f64,
    gamma: f64,
    from_logits: bool,
    label_smoothing: f64,
    axis: i64,
}

settings!(CategoricalFocalCrossentropy);

impl Default for CategoricalFocalCrossentropy {
    fn default() -> CategoricalFocalCrossentropy {
        CategoricalFocalCrossentropy {
            settings: Settings::default(),
            alpha: 0.25,
            gamma: 2.0,
            from_logits: false,
            label_smoothing: 0.0,
            axis: -1,
        }
    }
}

impl CategoricalFocalCrossentropy {
    /// The factor of all classes.
    pub fn alpha(mut self, alpha: f64) -> CategoricalFocalCrossentropy {
        self.alpha = alpha;
        self
    }

    /// How strongly what is predicted well is faded out; 0 for not at all.
    pub fn gamma(mut self, gamma: f64) -> CategoricalFocalCrossentropy {
        self.gamma = gamma;
        self
    }

    /// True if the model gives logits, that is, has no softmax at its end.
    pub fn from_logits(mut self, from_logits: bool) -> CategoricalFocalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// The share of each label that is spread over all classes.
    pub fn label_smoothing(mut self, label_smoothing: f64) -> CategoricalFocalCrossentropy {
        self.label_smoothing = label_smoothing;
        self
    }

    /// The axis of the classes.
    pub fn axis(mut self, axis: i64) -> CategoricalFocalCrossentropy {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<CategoricalFocalCrossentropy> {
        Ok(CategoricalFocalCrossentropy::new()
            .alpha(arguments.number_or("alpha", 0.25)?)
            .gamma(arguments.number_or("gamma", 2.0)?)
            .from_logits(arguments.boolean_or("from_logits", false)?)
            .label_smoothing(arguments.number_or("label_smoothing", 0.0)?)
            .axis(arguments.integer("axis")?.unwrap_or(-1)))
    }
}

impl Loss for CategoricalFocalCrossentropy {
    fn class_name(&self) -> &str {
        "CategoricalFocalCrossentropy"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("from_logits".to_string(), json!(self.from_logits)),
            ("label_smoothing".to_string(), json!(self.label_smoothing)),
            ("axis".to_string(), json!(self.axis)),
            ("alpha".to_string(), json!(self.alpha)),
            ("gamma".to_string(), json!(self.gamma)),
        ])
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let (t, p) = paired("categorical_focal_crossentropy", y_true, y_pred)?;
        let axis = shapes::axis("categorical_focal_crossentropy", self.axis, p)?;
        let t = smoothed(t, self.label_smoothing);
        let p = if self.from_logits { activations::softmax(p, self.axis)? } else { p };
        let p = probabilities(p, axis);
        let weight = (1.0 - p).pow(p.number(self.gamma)) * self.alpha;
        Ok((weight * -(t * p.log())).sum(&[axis]))
    }
}
