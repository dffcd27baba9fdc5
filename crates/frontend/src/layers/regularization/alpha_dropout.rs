//! AlphaDropout: dropout that keeps mean 0 and variance 1. Keras: `AlphaDropout`.

use cornu_ir::Expr;
use serde_json::{Value, json};

use super::{check_share, share};
use crate::error::Result;
use crate::layers::dropout::{check_noise_shape, decisions};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};

/// In training, sets each element with probability `rate` to what selu gives far below zero, then brings mean and
/// variance back to what they were: for networks of selu. Does nothing otherwise.
/// (Klambauer, Unterthiner, Mayr, Hochreiter 2017, <https://arxiv.org/abs/1706.02515>.)
#[derive(Clone, Debug)]
pub struct AlphaDropout {
    rate: f64,
    noise_shape: Option<Vec<Option<usize>>>,
    seed: Option<i64>,
}

/// What selu approaches, negated, far below zero.
const SATURATION: f64 = 1.6732632423543772 * 1.0507009873554805;

impl AlphaDropout {
    /// Drops a share of `rate`, from 0 to 1, of the elements.
    pub fn new(rate: f64) -> AlphaDropout {
        AlphaDropout { rate, noise_shape: None, seed: None }
    }

    /// One decision for all elements along each axis of size 1 of this shape; `None` is the input's own size.
    pub fn noise_shape(mut self, shape: impl Into<Vec<Option<usize>>>) -> AlphaDropout {
        self.noise_shape = Some(shape.into());
        self
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> AlphaDropout {
        self.seed = Some(seed);
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<AlphaDropout> {
        let noise_shape =
            config.value("noise_shape").map(|_| config.unknown_sizes("noise_shape")).transpose()?;
        Ok(AlphaDropout { rate: share(config, "rate")?, noise_shape, seed: config.seed("seed")? })
    }
}

impl Layer for AlphaDropout {
    fn class_name(&self) -> &str {
        "AlphaDropout"
    }

    fn config(&self) -> Result<Config> {
        let noise_shape = self.noise_shape.as_ref().map_or(Value::Null, |shape| json!(shape));
        Ok(Config::from_iter([
            ("rate".into(), json!(self.rate)),
            ("seed".into(), json!(self.seed)),
            ("noise_shape".into(), noise_shape),
        ]))
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        check_share("AlphaDropout", "rate", self.rate)?;
        check_noise_shape("AlphaDropout", self.noise_shape.as_deref(), &only(inputs)?)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        if !context.training() || self.rate == 0.0 {
            return Ok(vec![x]);
        }
        let shape = decisions(self.noise_shape.as_deref(), &x.shape());
        let draw = context.random_uniform(&shape, self.seed)?;
        let kept = draw.ge(draw.number(self.rate)).select(x, x.number(-SATURATION));
        let factor = ((1.0 - self.rate) * (1.0 + self.rate * SATURATION * SATURATION)).powf(-0.5);
        Ok(vec![kept * factor + factor * SATURATION * self.rate])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
