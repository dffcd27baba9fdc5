//! Binary focal crossentropy.

use cornu_ir::{Expr, derived};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::Result;
use crate::losses::binary_crossentropy::{of_probabilities, smoothed};
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};
use crate::shapes;

/// (1 - q)^gamma times the binary crossentropy, with q the probability given to the label: what is predicted well
/// counts little. Averaged over `axis`. With class balancing times alpha for label 1 and 1 - alpha for label 0.
///
/// Labels and predictions are `[batch, …, d]`, the result is `[batch, …]` for the last axis.
/// Lin et al. 2018, <https://arxiv.org/abs/1708.02002>.
#[derive(Clone, Debug, PartialEq)]
pub struct BinaryFocalCrossentropy {
    settings: Settings,
    apply_class_balancing: bool,
    alpha: f64,
    gamma: f64,
    from_logits: bool,
    label_smoothing: f64,
    axis: i64,
}

settings!(BinaryFocalCrossentropy);

impl Default for BinaryFocalCrossentropy {
    fn default() -> BinaryFocalCrossentropy {
        BinaryFocalCrossentropy {
            settings: Settings::default(),
            apply_class_balancing: false,
            alpha: 0.25,
            gamma: 2.0,
            from_logits: false,
            label_smoothing: 0.0,
            axis: -1,
        }
    }
}

impl BinaryFocalCrossentropy {
    /// True to weigh the classes by alpha and 1 - alpha.
    pub fn apply_class_balancing(mut self, apply: bool) -> BinaryFocalCrossentropy {
        self.apply_class_balancing = apply;
        self
    }

    /// The weight of label 1, if the classes are balanced.
    pub fn alpha(mut self, alpha: f64) -> BinaryFocalCrossentropy {
        self.alpha = alpha;
        self
    }

    /// How strongly what is predicted well is faded out; 0 for not at all.
    pub fn gamma(mut self, gamma: f64) -> BinaryFocalCrossentropy {
        self.gamma = gamma;
        self
    }

    /// True if the model gives logits, that is, has no sigmoid at its end.
    pub fn from_logits(mut self, from_logits: bool) -> BinaryFocalCrossentropy {
        self.from_logits = from_logits;
        self
    }

    /// How far labels move towards ½.
    pub fn label_smoothing(mut self, label_smoothing: f64) -> BinaryFocalCrossentropy {
        self.label_smoothing = label_smoothing;
        self
    }

    /// The axis to average over.
    pub fn axis(mut self, axis: i64) -> BinaryFocalCrossentropy {
        self.axis = axis;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<BinaryFocalCrossentropy> {
        Ok(BinaryFocalCrossentropy::new()
            .apply_class_balancing(arguments.boolean_or("apply_class_balancing", false)?)
            .alpha(arguments.number_or("alpha", 0.25)?)
            .gamma(arguments.number_or("gamma", 2.0)?)
            .from_logits(arguments.boolean_or("from_logits", false)?)
            .label_smoothing(arguments.number_or("label_smoothing", 0.0)?)
            .axis(arguments.integer("axis")?.unwrap_or(-1)))
    }
}

impl Loss for BinaryFocalCrossentropy {
    fn class_name(&self) -> &str {
        "BinaryFocalCrossentropy"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("from_logits".to_string(), json!(self.from_logits)),
            ("label_smoothing".to_string(), json!(self.label_smoothing)),
            ("axis".to_string(), json!(self.axis)),
            ("apply_class_balancing".to_string(), json!(self.apply_class_balancing)),
            ("alpha".to_string(), json!(self.alpha)),
            ("gamma".to_string(), json!(self.gamma)),
        ])
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let (t, p) = paired("binary_focal_crossentropy", y_true, y_pred)?;
        let axis = shapes::axis("binary_focal_crossentropy", self.axis, p)?;
        let t = smoothed(t, self.label_smoothing);
        let p = if self.from_logits { p.logistic() } else { p };
        let given = t * p + (1.0 - t) * (1.0 - p);
        let mut values = (1.0 - given).pow(p.number(self.gamma)) * of_probabilities(t, p);
        if self.apply_class_balancing {
            values = (t * self.alpha + (1.0 - t) * (1.0 - self.alpha)) * values;
        }
        Ok(derived::mean(values, &[axis]))
    }
}
