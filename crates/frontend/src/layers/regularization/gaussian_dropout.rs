//! GaussianDropout: elements multiplied by random numbers around 1. Keras: `GaussianDropout`.

use cornu_ir::Expr;
use serde_json::json;

use super::{check_share, share};
use crate::error::{Error, Result};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};

/// In training, x times a normal number of mean 1 and standard deviation √(rate/(1 - rate)), as much as
/// [`Dropout`](crate::Dropout) of that rate varies. Does nothing otherwise. (Srivastava et al., 2014.)
#[derive(Clone, Debug)]
pub struct GaussianDropout {
    rate: f64,
    seed: Option<i64>,
}

impl GaussianDropout {
    /// As dropping a share of `rate`, from 0 to below 1, would disturb.
    pub fn new(rate: f64) -> GaussianDropout {
        GaussianDropout { rate, seed: None }
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> GaussianDropout {
        self.seed = Some(seed);
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<GaussianDropout> {
        Ok(GaussianDropout { rate: share(config, "rate")?, seed: config.seed("seed")? })
    }
}

impl Layer for GaussianDropout {
    fn class_name(&self) -> &str {
        "GaussianDropout"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("rate".into(), json!(self.rate)), ("seed".into(), json!(self.seed))]))
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        check_share("GaussianDropout", "rate", self.rate)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        if !context.training() || self.rate == 0.0 {
            return Ok(vec![x]);
        }
        if self.rate == 1.0 {
            return Err(Error::config("GaussianDropout", "rate", self.rate, "below 1 in training"));
        }
        let deviation = (self.rate / (1.0 - self.rate)).sqrt();
        let noise = context.random_normal(&x.shape(), self.seed)?.cast(x.dtype());
        Ok(vec![x * (noise * deviation + 1.0)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
