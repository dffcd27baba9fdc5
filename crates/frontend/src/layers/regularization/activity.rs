//! ActivityRegularization: what goes through has a price. Keras: `ActivityRegularization`.

use std::sync::Arc;

use cornu_ir::Expr;
use serde_json::json;

use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::regularizers::{L1L2, Regularizer};

/// Gives its input, and adds `l1`·Σ|x| + `l2`·Σx², divided by the number of samples, to the loss.
#[derive(Clone, Debug, Default)]
pub struct ActivityRegularization {
    l1: f64,
    l2: f64,
}

impl ActivityRegularization {
    /// With these two prices.
    pub fn new(l1: f64, l2: f64) -> ActivityRegularization {
        ActivityRegularization { l1, l2 }
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<ActivityRegularization> {
        Ok(ActivityRegularization { l1: config.number_or("l1", 0.0)?, l2: config.number_or("l2", 0.0)? })
    }

    fn regularizer(&self) -> Result<Arc<dyn Regularizer>> {
        for (key, price) in [("l1", self.l1), ("l2", self.l2)] {
            if !(price >= 0.0 && price.is_finite()) {
                let needed = "a finite number that is not negative";
                return Err(Error::config("ActivityRegularization", key, price, needed));
            }
        }
        Ok(Arc::new(L1L2::new(self.l1, self.l2)))
    }
}

impl Layer for ActivityRegularization {
    fn class_name(&self) -> &str {
        "ActivityRegularization"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("l1".into(), json!(self.l1)), ("l2".into(), json!(self.l2))]))
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        self.regularizer().map(drop)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        context.add_activity_loss(Some(&Identifier::Object(self.regularizer()?)), x)?;
        Ok(vec![x])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
