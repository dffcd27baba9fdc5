//! HostLayer: a layer that works on the host, on what a model is given, before the graph.

use super::Spec;
use crate::error::Result;
use crate::training::Values;

/// A layer on strings, which tensors do not hold: it runs on the host, for each batch, and the graph begins with the
/// numbers it gives. So it takes inputs of the model, or what other such layers make of them.
///
/// Its [`super::Layer::build`] checks the arguments; its `call` is never reached in a model.
pub trait HostLayer {
    /// What comes out for inputs of these specs; an error for those that the layer cannot take.
    fn output_spec(&self, inputs: &[Spec]) -> Result<Spec>;

    /// What comes out for a batch. Its shape is that of [`HostLayer::output_spec`].
    fn run(&self, inputs: &[&Values]) -> Result<Values>;
}
