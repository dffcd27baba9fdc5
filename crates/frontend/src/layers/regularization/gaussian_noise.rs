//! GaussianNoise: random numbers around 0 added to elements. Keras: `GaussianNoise`.

use cornu_ir::Expr;
use serde_json::json;

use super::{check_share, share};
use crate::error::Result;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};

/// In training, x plus a normal number of mean 0 and standard deviation `stddev`. Does nothing otherwise.
#[derive(Clone, Debug)]
pub struct GaussianNoise {
    stddev: f64,
    seed: Option<i64>,
}

impl GaussianNoise {
    /// With this standard deviation, from 0 to 1.
    pub fn new(stddev: f64) -> GaussianNoise {
        GaussianNoise { stddev, seed: None }
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> GaussianNoise {
        self.seed = Some(seed);
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<GaussianNoise> {
        Ok(GaussianNoise { stddev: share(config, "stddev")?, seed: config.seed("seed")? })
    }
}

impl Layer for GaussianNoise {
    fn class_name(&self) -> &str {
        "GaussianNoise"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("stddev".into(), json!(self.stddev)), ("seed".into(), json!(self.seed))]))
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        check_share("GaussianNoise", "stddev", self.stddev)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        if !context.training() || self.stddev == 0.0 {
            return Ok(vec![x]);
        }
        let noise = context.random_normal(&x.shape(), self.seed)?.cast(x.dtype());
        Ok(vec![x + noise * self.stddev])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
