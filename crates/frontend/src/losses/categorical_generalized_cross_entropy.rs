//! Generalized crossentropy.

use cornu_ir::{DType, Expr};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::losses::pairing::in_float;
use crate::losses::settings::settings;
use crate::losses::{Loss, Settings, class_numbers};
use crate::shapes;

/// (1 - pₜ^q)/q, where t is the number of the class and the classes lie along the last axis.
///
/// Predictions are probabilities `[batch, …, classes]`, labels and result `[batch, …]`. Between the mean absolute
/// error (q = 1) and the crossentropy (q → 0); bears wrong labels better than the latter.
/// Zhang, Sabuncu 2018, <https://arxiv.org/abs/1805.07836>.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoricalGeneralizedCrossEntropy {
    settings: Settings,
    q: f64,
}

settings!(CategoricalGeneralizedCrossEntropy);

impl Default for CategoricalGeneralizedCrossEntropy {
    fn default() -> CategoricalGeneralizedCrossEntropy {
        CategoricalGeneralizedCrossEntropy { settings: Settings::default(), q: 0.5 }
    }
}

impl CategoricalGeneralizedCrossEntropy {
    /// Between 0 and 1, neither of them.
    pub fn q(mut self, q: f64) -> CategoricalGeneralizedCrossEntropy {
        self.q = q;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<CategoricalGeneralizedCrossEntropy> {
        Ok(CategoricalGeneralizedCrossEntropy::new().q(arguments.number_or("q", 0.5)?))
    }
}

impl Loss for CategoricalGeneralizedCrossEntropy {
    fn class_name(&self) -> &str {
        "CategoricalGeneralizedCrossEntropy"
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([("q".to_string(), json!(self.q))])
    }

    fn call<'b>(&self, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<Expr<'b>> {
        if !(self.q > 0.0 && self.q < 1.0) {
            return Err(Error::config(self.class_name(), "q", self.q, "between 0 and 1"));
        }
        let p = in_float(y_pred);
        let last = shapes::axis("categorical_generalized_cross_entropy", -1, p)?;
        let labels = class_numbers("categorical_generalized_cross_entropy", y_true, p, last)?;
        let classes = p.builder().iota(p.ty().with_dtype(DType::I32), last);
        let chosen = classes.eq(labels.expand(last)).select(p, p.number(0.0)).sum(&[last]);
        Ok((1.0 - chosen.pow(chosen.number(self.q))) / self.q)
    }
}
