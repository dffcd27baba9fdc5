//! Permute: the axes of each sample in another order. Keras: `Permute`.

use cornu_ir::Expr;
use serde_json::json;

use crate::error::{Error, Result};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, of_rank, only};

/// `Permute::new([2, 1])` makes `(batch, b, a)` of `(batch, a, b)`.
#[derive(Clone, Debug)]
pub struct Permute {
    dims: Vec<usize>,
}

impl Permute {
    /// Axis `i` of the result, counted from 1, is axis `dims[i - 1]` of the input; the batch, axis 0, stays.
    pub fn new(dims: impl Into<Vec<usize>>) -> Permute {
        Permute { dims: dims.into() }
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<Permute> {
        let needed = "a list of axes, counted from 1";
        let dims = config.integers("dims")?.unwrap_or_default();
        let dims = dims.into_iter().map(usize::try_from).collect::<std::result::Result<Vec<_>, _>>();
        let dims = dims.ok().filter(|dims| !dims.is_empty());
        Ok(Permute { dims: dims.ok_or_else(|| config.wrong("dims", needed))? })
    }
}

impl Layer for Permute {
    fn class_name(&self) -> &str {
        "Permute"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("dims".into(), json!(self.dims))]))
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(1..=self.dims.len()) {
            let needed = format!("the numbers from 1 to {}, each once", self.dims.len());
            return Err(Error::config("Permute", "dims", json!(self.dims), needed));
        }
        of_rank("Permute", self.dims.len() + 1, &only(inputs)?)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let order: Vec<usize> = [0].into_iter().chain(self.dims.iter().copied()).collect();
        Ok(vec![only(inputs)?.transpose(&order)])
    }
}
