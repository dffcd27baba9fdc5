//! Activation: a layer that only applies a function. Keras: `Activation`.

use cornu_ir::Expr;

use super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::activations::Activation;
use crate::error::Result;
use crate::identifier::Identifier;

/// Applies an activation to every element: the shape stays.
#[derive(Clone, Debug)]
pub struct ActivationLayer {
    activation: Identifier<Activation>,
}

impl ActivationLayer {
    /// A layer that applies this function.
    pub fn new(activation: impl Into<Identifier<Activation>>) -> ActivationLayer {
        ActivationLayer { activation: activation.into() }
    }

    pub(super) fn from_config(config: &LayerConfig<'_>) -> Result<ActivationLayer> {
        Ok(ActivationLayer { activation: config.activation("activation")? })
    }
}

impl Layer for ActivationLayer {
    fn class_name(&self) -> &str {
        "Activation"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("activation".into(), self.activation.resolve()?.serialize()?);
        Ok(config)
    }

    fn build(&self, _: &[Spec], _: &mut Weights) -> Result<()> {
        self.activation.resolve().map(drop)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        Ok(vec![self.activation.resolve()?.apply(only(inputs)?)?])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
