//! Circle loss.

use cornu_ir::{DType, Expr, Type, derived};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::losses::pairing::in_float;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, class_numbers};

/// What stands for pairs that do not count in a sum of exponentials: so low that its exponential is 0, yet finite, so
/// that a row without any pair has the loss 0 and no derivative.
const NOT_PAIRED: f64 = -1e30;

/// Pulls embeddings of one class together and pushes those of different classes apart, each pair as hard as it is far
/// from where it should be.
///
/// Labels are numbers of classes `[batch]`, predictions embeddings of length 1 `[batch, d]`; the loss of each row is
/// softplus(ln Σₚ e^(-γ·(m + d)·(m - d)) + ln Σₙ e^(γ·(1 + m - d)·(1 - m - d))), where d is the cosine distance to
/// the rows p of the same class and to the rows n of others. Rows with the loss 0 do not count in a mean.
/// Sun et al. 2020, <https://arxiv.org/abs/2002.10857>.
#[derive(Clone, Debug, PartialEq)]
pub struct Circle {
    settings: Settings,
    gamma: f64,
    margin: f64,
    remove_diagonal: bool,
}

settings!(Circle);

impl Default for Circle {
    fn default() -> Circle {
        Circle { settings: Settings::default(), gamma: 80.0, margin: 0.4, remove_diagonal: true }
    }
}

impl Circle {
    /// How much pairs far from where they should be outweigh others.
    pub fn gamma(mut self, gamma: f64) -> Circle {
        self.gamma = gamma;
        self
    }

    /// How near the rows of one class should be, and how far beyond 1 - this the others.
    pub fn margin(mut self, margin: f64) -> Circle {
        self.margin = margin;
        self
    }

    /// Whether a row is no pair with itself.
    pub fn remove_diagonal(mut self, remove: bool) -> Circle {
        self.remove_diagonal = remove;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Circle> {
        Ok(Circle::new()
            .gamma(arguments.number_or("gamma", 80.0)?)
            .margin(arguments.number_or("margin", 0.4)?)
            .remove_diagonal(arguments.boolean_or("remove_diagonal", true)?))
    }
}

impl Loss for Circle {
    fn class_name(&self) -> &str {
        "Circle"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([
            ("gamma".to_string(), json!(self.gamma)),
            ("margin".to_string(), json!(self.margin)),
            ("remove_diagonal".to_string(), json!(self.remove_diagonal)),
        ])
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        if y_pred.rank() != 2 {
            let needed = "predictions `[batch, d]`".to_string();
            return Err(Error::Shape { what: self.name(), needed, got: y_pred.ty() });
        }
        let (labels, e) = (class_numbers("circle", y_true, y_pred, 1)?, in_float(y_pred));
        let nothing = e.number(0.0);
        let distance = (1.0 - e.matmul(e.transpose(&[1, 0]))).max(nothing);
        let is_same = labels.expand(1).eq(labels.expand(0));
        let is_other = is_same.not();
        let places = Type::new(DType::I32, distance.shape());
        let is_pair = match self.remove_diagonal {
            true => is_same.and(e.builder().iota(places.clone(), 0).ne(e.builder().iota(places, 1))),
            false => is_same,
        };
        let far = (distance + self.margin).max(nothing) * (self.margin - distance) * -self.gamma;
        let near = (1.0 + self.margin - distance).max(nothing) * (1.0 - self.margin - distance) * self.gamma;
        let total = |counts: Expr<'b>, of: Expr<'b>| {
            derived::logsumexp(counts.select(of, of.number(NOT_PAIRED)), &[1])
        };
        Ok(derived::softplus(total(is_pair, far) + total(is_other, near)))
    }

    fn mask<'b>(&self, _: Expr<'b>, values: Expr<'b>) -> Result<Option<Expr<'b>>> {
        Ok(Some(values.gt(values.number(0.0))))
    }
}
