//! Identity: what goes in comes out. Keras: `Identity`.

use cornu_ir::Expr;

use super::{Config, Context, Layer, LayerConfig};
use crate::error::Result;

/// Every input, as it is: a place where no operation is to be.
#[derive(Clone, Debug, Default)]
pub struct Identity;

impl Identity {
    /// A layer that does nothing.
    pub fn new() -> Identity {
        Identity
    }

    pub(super) fn from_config(_: &LayerConfig<'_>) -> Result<Identity> {
        Ok(Identity)
    }
}

impl Layer for Identity {
    fn class_name(&self) -> &str {
        "Identity"
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        for index in 0..inputs.len() {
            context.set_output_mask(index, context.mask(index));
        }
        Ok(inputs.to_vec())
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
