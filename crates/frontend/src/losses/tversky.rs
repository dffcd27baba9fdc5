//! Tversky loss.

use cornu_ir::Expr;
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::Result;
use crate::losses::dice::summed;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};

/// 1 - Σtp/(Σtp + alpha·Σt(1 - p) + beta·Σ(1 - t)p + ε): [`Dice`](super::Dice) with a price for each kind of error.
///
/// Labels and predictions are of one shape. Sums go over `axis`, or over everything, batch included: then the loss is
/// one number. Salehi et al. 2017, <https://arxiv.org/abs/1706.05721>.
#[derive(Clone, Debug, PartialEq)]
pub struct Tversky {
    settings: Settings,
    alpha: f64,
    beta: f64,
    axis: Option<Vec<i64>>,
}

settings!(Tversky);

impl Default for Tversky {
    fn default() -> Tversky {
        Tversky { settings: Settings::default(), alpha: 0.5, beta: 0.5, axis: None }
    }
}

impl Tversky {
    /// The price of what is true and not predicted.
    pub fn alpha(mut self, alpha: f64) -> Tversky {
        self.alpha = alpha;
        self
    }

    /// The price of what is predicted and not true.
    pub fn beta(mut self, beta: f64) -> Tversky {
        self.beta = beta;
        self
    }

    /// The axes to sum over: for images usually 1, 2 and 3.
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> Tversky {
        self.axis = Some(axis.into());
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Tversky> {
        Ok(Tversky {
            settings: Settings::default(),
            alpha: arguments.number_or("alpha", 0.5)?,
            beta: arguments.number_or("beta", 0.5)?,
            axis: arguments.integers("axis")?,
        })
    }
}

impl Loss for Tversky {
    fn class_name(&self) -> &str {
        "Tversky"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("alpha".to_string(), json!(self.alpha)),
            ("beta".to_string(), json!(self.beta)),
            ("axis".to_string(), json!(self.axis)),
        ])
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let (t, p) = paired("tversky", y_true, y_pred)?;
        let axes = summed("Tversky", &self.axis, t)?;
        let common = (t * p).sum(&axes);
        let missed = (t * (1.0 - p)).sum(&axes) * self.alpha;
        let invented = ((1.0 - t) * p).sum(&axes) * self.beta;
        Ok(1.0 - common / (common + missed + invented + EPSILON))
    }
}
