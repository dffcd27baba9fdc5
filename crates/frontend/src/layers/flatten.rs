//! Flatten: all axes but the batch into one. Keras: `Flatten`.

use cornu_ir::Expr;
use serde_json::json;

use super::{Config, Context, Layer, LayerConfig, only};
use crate::error::{Error, Result};

/// `(batch, a, b, …)` becomes `(batch, a·b·…)`; `(batch,)` becomes `(batch, 1)`.
#[derive(Clone, Debug, Default)]
pub struct Flatten {
    channels_first: bool,
}

impl Flatten {
    /// Flattens in row-major order.
    pub fn new() -> Flatten {
        Flatten::default()
    }

    /// For images whose channels are axis 1: they move last before flattening, so that the order is that of images
    /// whose channels are last.
    pub fn channels_first(mut self) -> Flatten {
        self.channels_first = true;
        self
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<Flatten> {
        match config.text("data_format")? {
            None | Some("channels_last") => Ok(Flatten::new()),
            Some("channels_first") => Ok(Flatten::new().channels_first()),
            Some(_) => Err(config.wrong("data_format", "channels_last or channels_first")),
        }
    }
}

impl Layer for Flatten {
    fn class_name(&self) -> &str {
        "Flatten"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        let format = if self.channels_first { "channels_first" } else { "channels_last" };
        config.insert("data_format".into(), json!(format));
        Ok(config)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let mut x = only(inputs)?;
        let Some(&batch) = x.shape().first() else {
            let reason = "Flatten needs an input with a batch axis; it got a scalar".to_string();
            return Err(Error::Layer { path: context.path(), reason });
        };
        if self.channels_first && x.rank() > 2 {
            let order: Vec<usize> = [0].into_iter().chain(2..x.rank()).chain([1]).collect();
            x = x.transpose(&order);
        }
        let features = x.shape()[1..].iter().product();
        Ok(vec![x.reshape([batch, features])])
    }
}
