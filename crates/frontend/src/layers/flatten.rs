//! Flatten: all axes but the batch into one. Keras: `Flatten`.

use cornu_ir::Expr;

use super::DataFormat;
use super::{Config, Context, Layer, LayerConfig, only};
use crate::error::{Error, Result};

/// `(batch, a, b, …)` becomes `(batch, a·b·…)`; `(batch,)` becomes `(batch, 1)`.
#[derive(Clone, Debug, Default)]
pub struct Flatten {
    format: DataFormat,
}

impl Flatten {
    /// Flattens in row-major order.
    pub fn new() -> Flatten {
        Flatten::default()
    }

    /// For images whose channels are axis 1: they move last before flattening, so that the order is that of images
    /// whose channels are last.
    pub fn channels_first(mut self) -> Flatten {
        self.format = DataFormat::ChannelsFirst;
        self
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Flatten> {
        Ok(Flatten { format: DataFormat::from_config(config)? })
    }
}

impl Layer for Flatten {
    fn class_name(&self) -> &str {
        "Flatten"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::from_iter([("data_format".into(), self.format.config())]))
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let mut x = only(inputs)?;
        let Some(&batch) = x.shape().first() else {
            let reason = "Flatten needs an input with a batch axis; it got a scalar".to_string();
            return Err(Error::Layer { path: context.path(), reason });
        };
        if self.format == DataFormat::ChannelsFirst && x.rank() > 2 {
            let order: Vec<usize> = [0].into_iter().chain(2..x.rank()).chain([1]).collect();
            x = x.transpose(&order);
        }
        let features = x.shape()[1..].iter().product();
        Ok(vec![x.reshape([batch, features])])
    }
}
