//! ReLU: the rectified linear unit with all its options, as a layer. Keras: `ReLU`.

use cornu_ir::Expr;
use serde_json::json;

use crate::activations;
use crate::error::Result;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};

/// x above the threshold, but at most `max_value`; `negative_slope`·(x - `threshold`) below. The shape stays.
#[derive(Clone, Debug, Default)]
pub struct ReLU {
    max_value: Option<f64>,
    negative_slope: f64,
    threshold: f64,
}

impl ReLU {
    /// max(x, 0)
    pub fn new() -> ReLU {
        ReLU::default()
    }

    /// The largest output, which is not negative.
    pub fn max_value(mut self, max_value: f64) -> ReLU {
        self.max_value = Some(max_value);
        self
    }

    /// The slope below the threshold, which is not negative.
    pub fn negative_slope(mut self, negative_slope: f64) -> ReLU {
        self.negative_slope = negative_slope;
        self
    }

    /// The number from which on x passes, which is not negative.
    pub fn threshold(mut self, threshold: f64) -> ReLU {
        self.threshold = threshold;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<ReLU> {
        Ok(ReLU {
            max_value: config.number("max_value")?,
            negative_slope: config.number_or("negative_slope", 0.0)?,
            threshold: config.number_or("threshold", 0.0)?,
        })
    }
}

impl Layer for ReLU {
    fn class_name(&self) -> &str {
        "ReLU"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([
            ("max_value".into(), json!(self.max_value)),
            ("negative_slope".into(), json!(self.negative_slope)),
            ("threshold".into(), json!(self.threshold)),
        ]))
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        super::not_negative("ReLU", "max_value", self.max_value.unwrap_or(0.0))?;
        super::not_negative("ReLU", "negative_slope", self.negative_slope)?;
        super::not_negative("ReLU", "threshold", self.threshold)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        Ok(vec![activations::relu(x, self.negative_slope, self.max_value, self.threshold)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
