//! Reshape: another shape for each sample. Keras: `Reshape`.

use cornu_ir::Expr;
use serde_json::json;

use super::{Config, Context, Layer, LayerConfig, only};
use crate::error::{Error, Result};

/// Gives the elements of each sample, in row-major order, the target shape.
#[derive(Clone, Debug)]
pub struct Reshape {
    target: Vec<i64>,
}

impl Reshape {
    /// To samples of this shape. One size may be -1: it is found from the others.
    pub fn new(target: impl Into<Vec<i64>>) -> Reshape {
        Reshape { target: target.into() }
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Reshape> {
        let target = config.integers("target_shape")?;
        Ok(Reshape { target: target.ok_or_else(|| config.wrong("target_shape", "a list of whole numbers"))? })
    }

    /// The sample's shape for this many elements; `None` if they do not fit.
    fn sizes(&self, elements: usize) -> Option<Vec<usize>> {
        let unknown = self.target.iter().filter(|&&size| size == -1).count();
        let known = self.target.iter().filter(|&&size| size != -1).try_fold(1usize, |product, &size| {
            usize::try_from(size).ok().and_then(|size| product.checked_mul(size))
        })?;
        let rest = match unknown {
            0 => (known == elements).then_some(1)?,
            1 => (known != 0 && elements.is_multiple_of(known)).then(|| elements / known)?,
            _ => return None,
        };
        self.target
            .iter()
            .map(|&size| if size == -1 { Some(rest) } else { usize::try_from(size).ok() })
            .collect()
    }
}

impl Layer for Reshape {
    fn class_name(&self) -> &str {
        "Reshape"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("target_shape".into(), json!(self.target));
        Ok(config)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let shape = x.shape();
        let sizes = shape.first().and_then(|&batch| {
            let sample = self.sizes(shape[1..].iter().product())?;
            Some([batch].into_iter().chain(sample).collect::<Vec<_>>())
        });
        let Some(sizes) = sizes else {
            let reason = format!(
                "Reshape to {:?} needs samples of as many elements (at most one size may be -1); a batch is {}",
                self.target,
                x.ty()
            );
            return Err(Error::Layer { path: context.path(), reason });
        };
        Ok(vec![x.reshape(sizes)])
    }
}
