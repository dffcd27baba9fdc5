//! CategoryEncoding: whole numbers as vectors of zeros and ones. Keras: `CategoryEncoding`.

use cornu_ir::{DType, Expr};
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use super::output_mode::OutputMode;
use crate::error::{Error, Result};

const MODES: [OutputMode; 3] = [OutputMode::MultiHot, OutputMode::OneHot, OutputMode::Count];

/// The categories `0..num_tokens` of each sample as a vector: `(batch, n)` becomes `(batch, num_tokens)`, or
/// `(batch, n, num_tokens)` with [`OutputMode::OneHot`]. Numbers outside leave no trace.
///
/// A call may give `count_weights` of the input's shape by name, which [`OutputMode::Count`] adds up instead of ones.
#[derive(Clone, Debug)]
pub struct CategoryEncoding {
    num_tokens: usize,
    output_mode: OutputMode,
}

impl CategoryEncoding {
    /// For this many categories.
    pub fn new(num_tokens: usize) -> CategoryEncoding {
        CategoryEncoding { num_tokens, output_mode: OutputMode::MultiHot }
    }

    /// How the categories are written.
    pub fn output_mode(mut self, mode: OutputMode) -> CategoryEncoding {
        self.output_mode = mode;
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<CategoryEncoding> {
        super::refuse_sparse(config)?;
        Ok(CategoryEncoding {
            num_tokens: config.positive("num_tokens")?,
            output_mode: OutputMode::read(config)?.unwrap_or(OutputMode::MultiHot),
        })
    }
}

impl Layer for CategoryEncoding {
    fn class_name(&self) -> &str {
        "CategoryEncoding"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("num_tokens".into(), json!(self.num_tokens));
        config.insert("output_mode".into(), json!(self.output_mode.name()));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        only(inputs)?;
        self.output_mode.check("CategoryEncoding", &MODES)?;
        if self.num_tokens == 0 {
            return Err(Error::config("CategoryEncoding", "num_tokens", 0, "1 or more"));
        }
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let x = if x.dtype().is_integer() { x } else { x.cast(DType::I32) };
        let weights = context.keyword("count_weights");
        match weights {
            Some(_) if self.output_mode != OutputMode::Count => {
                let reason = "`count_weights` are for output_mode count only".to_string();
                return Err(Error::Layer { path: context.path(), reason });
            }
            Some(weights) if weights.shape() != x.shape() => {
                return Err(Error::Shapes {
                    what: "CategoryEncoding: count_weights against inputs".to_string(),
                    left: Box::new(weights.ty()),
                    right: Box::new(x.ty()),
                    fix: "Give one weight for each category".to_string(),
                });
            }
            Some(_) | None => {}
        }
        Ok(vec![self.output_mode.encode(x, self.num_tokens, weights)?])
    }
}
