//! Activation: a layer that only applies a function. Keras: `Activation`; below it the functions that are layers of
//! their own.

mod elu;
mod leaky_relu;
mod prelu;
mod relu;
mod softmax;

pub use elu::ELU;
pub use leaky_relu::LeakyReLU;
pub use prelu::PReLU;
pub use relu::ReLU;
pub use softmax::Softmax;

use cornu_ir::Expr;

use super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::activations::Activation;
use crate::error::{Error, Result};
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

/// Fails if an argument is negative or not a number.
fn not_negative(class: &str, key: &str, value: f64) -> Result<()> {
    if value >= 0.0 { Ok(()) } else { Err(Error::config(class, key, value, "a number that is not negative")) }
}
