//! Masking: says which steps of a sequence are padding. Keras: `Masking`.

use cornu_ir::Expr;
use cornu_ir::ops::Reduction;
use serde_json::json;

use super::{Config, Context, Layer, LayerConfig, Spec, Weights, at_least_rank, only};
use crate::error::Result;

/// The shape stays. A step whose features are all `mask_value` is masked, for this layer's output and in what follows,
/// and becomes 0.
#[derive(Clone, Debug, Default)]
pub struct Masking {
    mask_value: f64,
}

impl Masking {
    /// Masks steps of zeros.
    pub fn new() -> Masking {
        Masking::default()
    }

    /// What stands in the features of padding.
    pub fn mask_value(mut self, mask_value: f64) -> Masking {
        self.mask_value = mask_value;
        self
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Masking> {
        Ok(Masking { mask_value: config.number_or("mask_value", 0.0)? })
    }
}

impl Layer for Masking {
    fn class_name(&self) -> &str {
        "Masking"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("mask_value".into(), json!(self.mask_value))]))
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        at_least_rank("Masking", 2, &only(inputs)?)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let last = x.rank() - 1;
        let mask = x.ne(x.number(self.mask_value)).reduce(Reduction::Max, &[last]);
        context.set_output_mask(0, Some(mask));
        Ok(vec![mask.expand(last).select(x, x.number(0.0))])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
