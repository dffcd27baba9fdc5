//! Network: layers put together, of which a model is made.

use std::collections::HashMap;

use cornu_ir::{Builder, Expr};

use super::symbol::Symbol;
use crate::error::Result;
use crate::layers::{AnyLayer, CallArguments, Context, Layer, Masked, Spec, WeightSpec, Weights};

/// Layers put together: a [`crate::Sequential`] or a graph of calls.
pub(crate) trait Network: Layer {
    /// The layers, in Keras's order; inputs are among them.
    fn layers(&self) -> &[AnyLayer];

    /// What goes in, if the network knows it by itself.
    fn input_specs(&self) -> Option<Vec<Spec>>;

    /// Names of the inputs, in order.
    fn names_of_inputs(&self) -> Vec<String>;

    /// Names of the outputs, in order.
    fn names_of_outputs(&self) -> Vec<String>;

    /// Builds every layer and says what comes out.
    fn trace(&self, inputs: &[Spec], weights: &mut Weights) -> Result<Trace>;

    /// Symbols of the inputs, and of the first output of each layer at its first call.
    fn symbols(&self) -> Result<(Vec<Symbol>, Vec<Symbol>)>;

    /// For each layer the values its calls take.
    fn edges(&self) -> Vec<Vec<Edge>>;

    /// True if each layer takes just what the one before it gives.
    fn is_linear(&self) -> bool;
}

/// A value that a call takes: output number `output` of call number `node` of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The layer's place in the list.
    pub(crate) layer: usize,
    pub(crate) node: usize,
    pub(crate) output: usize,
}

/// What is known of a network once the shapes of its inputs are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// What goes into each layer, at its first call.
    pub(crate) layer_inputs: Vec<Vec<Spec>>,
    /// What comes out of the network.
    pub(crate) outputs: Vec<Spec>,
}

/// A value in both graphs of a [`Tracer`].
pub(crate) type Traced<'b> = [Masked<'b>; 2];

/// Two graphs of the same layers with other sizes wherever a size is not known: where the two disagree afterwards, a
/// size depends on one that is not known. So shapes are known before a batch is seen, though no layer states them.
pub(crate) struct Tracer<'b> {
    builders: [&'b Builder; 2],
    weights: [HashMap<String, Expr<'b>>; 2],
}

/// What stands for an unknown size in the two graphs: large enough for windows, with many divisors.
const UNKNOWN: [usize; 2] = [48, 96];

impl<'b> Tracer<'b> {
    pub(crate) fn new(builders: &'b [Builder; 2]) -> Tracer<'b> {
        Tracer { builders: builders.each_ref(), weights: Default::default() }
    }

    /// An input of both graphs.
    pub(crate) fn input(&self, spec: &Spec) -> Traced<'b> {
        [0, 1].map(|side| self.builders[side].input("input", spec.with_unknown(UNKNOWN[side])).into())
    }

    /// What is known of a value in both graphs.
    pub(crate) fn spec(&self, value: &Traced<'b>) -> Spec {
        Spec::common(&value[0].value.ty(), &value[1].value.ty())
    }

    /// What is known of the inputs of a call.
    pub(crate) fn inputs(&self, layer: &AnyLayer, arguments: &CallArguments<Traced<'b>>) -> Vec<Spec> {
        let inputs = arguments.inputs(layer.layer().input_names());
        inputs.into_iter().map(|input| self.spec(input)).collect()
    }

    /// Builds a layer that is called with these arguments.
    pub(crate) fn build(
        &mut self,
        layer: &AnyLayer,
        arguments: &CallArguments<Traced<'b>>,
        weights: &mut Weights,
    ) -> Result<()> {
        let before = weights.specs().len();
        layer.build(&self.inputs(layer, arguments), weights)?;
        for side in [0, 1] {
            self.declare(side, &weights.specs()[before..]);
        }
        Ok(())
    }

    /// Calls a layer that is built, in both graphs.
    pub(crate) fn call(
        &self,
        layer: &AnyLayer,
        arguments: &CallArguments<Traced<'b>>,
        scopes: &[String],
    ) -> Result<Vec<Traced<'b>>> {
        let call = |side: usize| {
            let mut context = Context::new(self.builders[side], &self.weights[side], None, false);
            context.enter(scopes);
            layer.call_with(&mut context, &arguments.map(|traced| Ok(traced[side]))?)
        };
        let (first, second) = (call(0)?, call(1)?);
        Ok(first.into_iter().zip(second).map(|(first, second)| [first, second]).collect())
    }

    fn declare(&mut self, side: usize, specs: &[WeightSpec]) {
        for spec in specs {
            let value = self.builders[side].input(&spec.path, spec.ty.clone());
            self.weights[side].insert(spec.path.clone(), value);
        }
    }
}

/// What one layer alone makes of inputs of these specs, the values given by name included.
pub(crate) fn trace_layer(layer: &AnyLayer, arguments: &CallArguments<Spec>) -> Result<Vec<Spec>> {
    let builders = [Builder::new(), Builder::new()];
    let mut tracer = Tracer::new(&builders);
    let arguments = arguments.map(|spec| Ok(tracer.input(spec)))?;
    tracer.build(layer, &arguments, &mut Weights::default())?;
    let outputs = tracer.call(layer, &arguments, &[])?;
    Ok(outputs.iter().map(|output| tracer.spec(output)).collect())
}
