//! Dice loss.

use cornu_ir::Expr;
use serde_json::{Map, Value, json};

use crate::EPSILON;
use crate::config::Arguments;
use crate::error::Result;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, paired};
use crate::shapes;

/// 1 - 2·Σtp/(Σt + Σp + ε): how little two areas overlap.
///
/// Labels and predictions are of one shape. Sums go over `axis`, or over everything, batch included: then the loss is
/// one number. Sudre et al. 2017, <https://arxiv.org/abs/1707.03237>.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dice {
    settings: Settings,
    axis: Option<Vec<i64>>,
}

settings!(Dice);

impl Dice {
    /// The axes to sum over: for images usually 1, 2 and 3.
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> Dice {
        self.axis = Some(axis.into());
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Dice> {
        Ok(Dice { settings: Settings::default(), axis: arguments.integers("axis")? })
    }
}

/// The axes that are summed over: those given, or all.
pub(super) fn summed(class: &str, axis: &Option<Vec<i64>>, x: Expr<'_>) -> Result<Vec<usize>> {
    match axis {
        Some(axis) => shapes::axes(class, axis, x),
        None => Ok((0..x.rank()).collect()),
    }
}

impl Loss for Dice {
    fn class_name(&self) -> &str {
        "Dice"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([("axis".to_string(), json!(self.axis))])
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        let (t, p) = paired("dice", y_true, y_pred)?;
        let axes = summed("Dice", &self.axis, t)?;
        let total = t.sum(&axes) + p.sum(&axes) + EPSILON;
        Ok(1.0 - (t * p).sum(&axes) * 2.0 / total)
    }
}
