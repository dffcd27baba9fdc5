//! Layers: what a layer is, and the list of Keras's.
//!
//! A layer is its configuration. `build` says which weights it has, `call` writes what it computes; output shapes are
//! not stated anywhere, for the graph knows them. `docs/add-a-layer.md` walks through making one.

mod activation;
mod any_layer;
mod context;
mod dense;
mod dropout;
mod flatten;
mod input;
mod registry;
mod reshape;
mod spec;
mod weights;

pub use activation::ActivationLayer as Activation;
pub use any_layer::{AnyLayer, Naming};
pub use context::Context;
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use input::Input;
pub use registry::{LayerConfig, register_layer};
pub use reshape::Reshape;
pub use spec::Spec;
pub use weights::{WeightSpec, Weights};

pub(crate) use any_layer::float_policy;
pub(crate) use registry::{is_registered, keras_dtype_name, layer_from_config};

use cornu_ir::Expr;
use serde_json::{Map, Value};

use crate::constraints::{self, Constraint};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::regularizers::{self, Regularizer};

/// The arguments of a layer as Keras writes them, without `name`, `trainable` and `dtype`, which every layer has.
pub type Config = Map<String, Value>;

/// A layer: the public trait that Keras's layers and yours implement.
pub trait Layer: Send + Sync {
    /// Keras's name of the class: `Dense`.
    fn class_name(&self) -> &str;

    /// The arguments, as Keras writes them.
    fn config(&self) -> Result<Config>;

    /// Says which weights the layer has, given what goes in. Called once, before the first `call`.
    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let _ = (inputs, weights);
        Ok(())
    }

    /// Writes what the layer computes. The first axis of inputs and outputs is the batch.
    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>>;

    /// What goes in, for a layer that knows it by itself.
    fn input_spec(&self) -> Option<Spec> {
        None
    }

    /// The layers inside, with the attribute they hang on in Keras: `("layers", …)` in a model.
    fn sublayers(&self) -> Option<(&'static str, &[AnyLayer])> {
        None
    }
}

/// The single input of a layer that takes one.
pub fn only<T: Clone>(inputs: &[T]) -> Result<T> {
    match inputs {
        [input] => Ok(input.clone()),
        _ => Err(Error::Layer {
            path: String::new(),
            reason: format!("takes one input; it got {}", inputs.len()),
        }),
    }
}

fn regularizer_config(regularizer: &Option<Identifier<dyn Regularizer>>) -> Result<Value> {
    regularizer
        .as_ref()
        .map_or(Ok(Value::Null), |regularizer| Ok(regularizers::serialize(&*regularizer.resolve()?)))
}

fn constraint_config(constraint: &Option<Identifier<dyn Constraint>>) -> Result<Value> {
    constraint
        .as_ref()
        .map_or(Ok(Value::Null), |constraint| Ok(constraints::serialize(&*constraint.resolve()?)))
}
