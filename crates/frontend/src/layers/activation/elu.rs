//! ELU: the exponential linear unit as a layer. Keras: `ELU`.

use cornu_ir::Expr;
use serde_json::json;

use crate::activations;
use crate::error::Result;
use crate::layers::{Config, Context, Layer, LayerConfig, only};

/// x where it is positive, `alpha`·(eˣ - 1) elsewhere: the shape stays.
#[derive(Clone, Debug)]
pub struct ELU {
    alpha: f64,
}

impl Default for ELU {
    fn default() -> ELU {
        ELU { alpha: 1.0 }
    }
}

impl ELU {
    /// With an alpha of 1.
    pub fn new() -> ELU {
        ELU::default()
    }

    /// What the output approaches, negated, far below zero.
    pub fn alpha(mut self, alpha: f64) -> ELU {
        self.alpha = alpha;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<ELU> {
        Ok(ELU { alpha: config.number_or("alpha", 1.0)? })
    }
}

impl Layer for ELU {
    fn class_name(&self) -> &str {
        "ELU"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("alpha".into(), json!(self.alpha))]))
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Ok(vec![activations::elu(only(inputs)?, self.alpha)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
