//! RepeatVector: a vector as every step of a sequence. Keras: `RepeatVector`.

use cornu_ir::Expr;
use serde_json::json;

use super::fits_memory;
use crate::error::{Error, Result};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, of_rank, only};

/// `(batch, features)` becomes `(batch, n, features)`.
#[derive(Clone, Debug)]
pub struct RepeatVector {
    n: usize,
}

impl RepeatVector {
    /// `n` times.
    pub fn new(n: usize) -> RepeatVector {
        RepeatVector { n }
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<RepeatVector> {
        Ok(RepeatVector { n: config.positive("n")? })
    }
}

impl Layer for RepeatVector {
    fn class_name(&self) -> &str {
        "RepeatVector"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("n".into(), json!(self.n))]))
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        if self.n == 0 {
            return Err(Error::config("RepeatVector", "n", 0, "1 or more"));
        }
        of_rank("RepeatVector", 2, &only(inputs)?)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        fits_memory("RepeatVector", "n", json!(self.n), &[self.n], &x.ty())?;
        let shape = x.shape();
        Ok(vec![x.broadcast([shape[0], self.n, shape[1]], &[0, 2])])
    }
}
