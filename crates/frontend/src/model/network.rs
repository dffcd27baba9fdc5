//! Network: layers put together, of which a model is made.

use std::collections::HashMap;

use cornu_ir::{Builder, Expr};

use super::host::HostPart;
use super::symbol::Symbol;
use crate::error::{Error, Result};
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
    /// What runs on the host, and what the graph takes of it: of a network of numbers alone, its inputs.
    pub(crate) host: HostPart,
    pub(crate) feeds: Vec<Spec>,
}

/// A value in both graphs of a [`Tracer`].
#[derive(Clone, Copy)]
pub(crate) struct Traced<'b> {
    sides: [Masked<'b>; 2],
    /// True for strings, for which the graphs have a stand-in that no node may take.
    is_text: bool,
    /// True for what is there before the graph runs: what a model is given and what layers on the host make of it.
    is_on_host: bool,
}

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
        let side = |side: usize| self.builders[side].input("input", spec.with_unknown(UNKNOWN[side])).into();
        Traced { sides: [0, 1].map(side), is_text: spec.is_text(), is_on_host: true }
    }

    /// What is known of a value in both graphs.
    pub(crate) fn spec(&self, value: &Traced<'b>) -> Spec {
        let [a, b] = value.sides.map(|side| side.value.ty());
        let common = Spec::common(&a, &b);
        if value.is_text { Spec::text(common.shape) } else { common }
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
        check_sides(layer, arguments).map_err(|error| error.within(&layer.place_in(weights.scope())))?;
        let before = weights.specs().len();
        layer.build(&self.inputs(layer, arguments), weights)?;
        for side in [0, 1] {
            self.declare(side, &weights.specs()[before..]);
        }
        Ok(())
    }

    /// Calls a layer that is built, in both graphs, or says what it makes on the host.
    pub(crate) fn call(
        &self,
        layer: &AnyLayer,
        arguments: &CallArguments<Traced<'b>>,
        scopes: &[String],
    ) -> Result<Vec<Traced<'b>>> {
        if is_input(layer) {
            return Ok(arguments.tensors().into_iter().copied().collect());
        }
        let place = || layer.place_in(scopes.join("/"));
        check_sides(layer, arguments).map_err(|error| error.within(&place()))?;
        if let Some(host) = layer.layer().as_host() {
            let output = host.output_spec(&self.inputs(layer, arguments));
            return Ok(vec![self.input(&output.map_err(|error| error.within(&place()))?)]);
        }
        let call = |side: usize| {
            let mut context = Context::new(self.builders[side], &self.weights[side], None, false);
            context.enter(scopes);
            layer.call_with(&mut context, &arguments.map(|traced| Ok(traced.sides[side]))?)
        };
        let (first, second) = (call(0)?, call(1)?);
        let both = |sides: [Masked<'b>; 2]| Traced { sides, is_text: false, is_on_host: false };
        Ok(first.into_iter().zip(second).map(|(first, second)| both([first, second])).collect())
    }

    fn declare(&mut self, side: usize, specs: &[WeightSpec]) {
        for spec in specs {
            let value = self.builders[side].input(&spec.path, spec.ty.clone());
            self.weights[side].insert(spec.path.clone(), value);
        }
    }
}

/// Fails if a layer of the graph is given strings, or one of the host what the graph computes.
fn check_sides(layer: &AnyLayer, arguments: &CallArguments<Traced<'_>>) -> Result<()> {
    let refuse = |reason: String| Err(Error::Layer { path: String::new(), reason });
    let class = layer.class_name();
    match layer.layer().as_host() {
        None if is_input(layer) => Ok(()),
        None if arguments.tensors().iter().any(|value| value.is_text) => refuse(match class {
            "Sequential" | "Functional" => format!(
                "{class} inside another model takes numbers, and its input is strings. Apply its layers on \
                 strings to the inputs of the whole model"
            ),
            _ => format!(
                "{class} takes numbers, and its input is strings. Put a layer before it that makes numbers of \
                 them: TextVectorization, StringLookup or Hashing"
            ),
        }),
        Some(_) if arguments.tensors().iter().any(|value| !value.is_on_host) => refuse(format!(
            "{class} runs on the host, before the graph, and its input is computed in the graph. Apply it to an \
             Input of the model"
        )),
        None | Some(_) => Ok(()),
    }
}

/// An `Input` inside a stack, which gives what it is given.
fn is_input(layer: &AnyLayer) -> bool {
    layer.class_name() == "InputLayer"
}

/// A network that is a layer of another runs in its graph.
pub(crate) fn refuse_host_layers(network: &dyn Network) -> Result<()> {
    let inner = network.layers().iter().find(|layer| layer.layer().as_host().is_some());
    inner.map_or(Ok(()), |layer| {
        let reason = format!(
            "{} runs on the host, before the graph, so it cannot be part of a model inside another. Apply it to \
             an input of the whole model",
            layer.described()
        );
        Err(Error::Layer { path: String::new(), reason })
    })
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
