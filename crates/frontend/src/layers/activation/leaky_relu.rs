//! LeakyReLU: relu with a slope below zero, as a layer. Keras: `LeakyReLU`.

use cornu_ir::Expr;
use serde_json::json;

use crate::activations;
use crate::error::Result;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};

/// x where it is not negative, `negative_slope`·x elsewhere: the shape stays.
///
/// The slope is 0.3 by default; that of the activation `"leaky_relu"` is 0.2.
#[derive(Clone, Debug)]
pub struct LeakyReLU {
    negative_slope: f64,
}

impl Default for LeakyReLU {
    fn default() -> LeakyReLU {
        LeakyReLU { negative_slope: 0.3 }
    }
}

impl LeakyReLU {
    /// With a slope of 0.3.
    pub fn new() -> LeakyReLU {
        LeakyReLU::default()
    }

    /// The slope below zero, which is not negative.
    pub fn negative_slope(mut self, negative_slope: f64) -> LeakyReLU {
        self.negative_slope = negative_slope;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<LeakyReLU> {
        // Keras 2 calls it alpha.
        let old = config.number_or("alpha", 0.3)?;
        Ok(LeakyReLU { negative_slope: config.number_or("negative_slope", old)? })
    }
}

impl Layer for LeakyReLU {
    fn class_name(&self) -> &str {
        "LeakyReLU"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("negative_slope".into(), json!(self.negative_slope))]))
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        super::not_negative("LeakyReLU", "negative_slope", self.negative_slope)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Ok(vec![activations::leaky_relu(only(inputs)?, self.negative_slope)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
