//! Functional: a graph of calls between inputs and outputs. Keras: `Functional`, made by `Model(inputs, outputs)`.

mod config;
mod host;
mod order;

use std::sync::Arc;

use cornu_ir::{Builder, Expr};

use super::network::{Edge, Network, Trace, Traced, Tracer, refuse_host_layers};
use super::sequential::{check_names, unused_name};
use super::symbol::Symbol;
use crate::error::{Error, Result};
use crate::layers::{
    AnyLayer, Autocast, CallArguments, Config, Context, Layer, Masked, Spec, Sublayer, Weights,
};

/// Layers called with each other's outputs.
#[derive(Clone)]
pub(crate) struct Functional {
    name: String,
    layers: Vec<AnyLayer>,
    /// Every call, after those whose outputs it takes.
    nodes: Vec<Node>,
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    /// Names of the outputs that a file gives them; by default those of their layers.
    output_names: Vec<String>,
    /// What each node gives, as known without a batch.
    specs: Vec<Vec<Spec>>,
}

/// One call of a layer.
#[derive(Clone)]
struct Node {
    /// The layer's place in the list.
    layer: usize,
    /// Which of that layer's calls it is.
    index: usize,
    arguments: CallArguments<Place>,
}

/// What is known of every node once the inputs are.
struct Walked {
    /// What each gives.
    made: Vec<Vec<Spec>>,
    /// What each is given.
    given: Vec<Vec<Spec>>,
}

/// One output of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    node: usize,
    output: usize,
}

impl Functional {
    /// The graph between these symbols.
    pub(crate) fn new(name: Option<&str>, inputs: &[Symbol], outputs: &[Symbol]) -> Result<Functional> {
        for symbol in inputs.iter().chain(outputs) {
            symbol.spec()?;
        }
        if inputs.is_empty() || outputs.is_empty() {
            let what = "a model needs at least one input and one output".to_string();
            return Err(Error::Data { what });
        }
        if let Some(other) = inputs.iter().find(|symbol| symbol.layer().layer().input_spec().is_none()) {
            let what = format!(
                "the inputs of a model are symbols of `Input`; one is the output of a {}",
                other.layer().class_name()
            );
            return Err(Error::Data { what });
        }
        let repeated = |(i, symbol): &(usize, &Symbol)| {
            inputs[..*i].iter().any(|other| Arc::ptr_eq(&other.call, &symbol.call))
        };
        if let Some((_, twice)) = inputs.iter().enumerate().find(repeated) {
            let what = format!(
                "the inputs of a model must be different; {} is given twice",
                twice.layer().described()
            );
            return Err(Error::Data { what });
        }
        let order = order::order(inputs, outputs)?;
        for layer in order.as_made() {
            layer.name_unless_named(|| unused_name(layer.class_name(), order.layers.iter()));
        }
        let place = |symbol: &Symbol| order.place(symbol);
        let nodes = order.calls.iter().map(|call| {
            Ok(Node {
                layer: order.layer(call),
                index: order.index(call),
                arguments: call.arguments.map(place)?,
            })
        });
        let outputs: Vec<Place> = outputs.iter().map(place).collect::<Result<_>>()?;
        let functional = Functional {
            name: name.unwrap_or("functional").to_string(),
            nodes: nodes.collect::<Result<_>>()?,
            inputs: inputs.iter().map(place).collect::<Result<_>>()?,
            output_names: Vec::new(),
            outputs,
            specs: Vec::new(),
            layers: order.layers.clone(),
        };
        functional.known()
    }

    /// With names of outputs and with what is known of every value.
    fn known(mut self) -> Result<Functional> {
        check_names(&self.layers)?;
        if self.output_names.is_empty() {
            let layer = |place: &Place| self.layers[self.nodes[place.node].layer].name().to_string();
            self.output_names = self.outputs.iter().map(layer).collect();
        }
        let inputs = self.given_specs();
        self.specs = self.walk(&inputs, &mut Weights::default())?.made;
        Ok(self)
    }

    pub(crate) fn model_name(&self) -> &str {
        &self.name
    }

    fn given_specs(&self) -> Vec<Spec> {
        let spec = |place: &Place| self.layers[self.nodes[place.node].layer].layer().input_spec();
        self.inputs.iter().filter_map(spec).collect()
    }

    /// Builds every layer at its first call and says what every node is given and gives.
    fn walk(&self, inputs: &[Spec], weights: &mut Weights) -> Result<Walked> {
        if inputs.len() != self.inputs.len() {
            let reason = format!("takes {} inputs; it got {}", self.inputs.len(), inputs.len());
            return Err(Error::Layer { path: weights.scope(), reason });
        }
        let builders = [Builder::new(), Builder::new()];
        let mut tracer = Tracer::new(&builders);
        let before = weights.specs().len();
        let mut values: Vec<Vec<Traced<'_>>> = Vec::with_capacity(self.nodes.len());
        let mut given = Vec::with_capacity(self.nodes.len());
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(input) = self.inputs.iter().position(|place| place.node == number) {
                values.push(vec![tracer.input(&inputs[input])]);
                given.push(vec![inputs[input].clone()]);
                weights.note_shape(self.layers[node.layer].name(), inputs[input].clone());
                continue;
            }
            let layer = &self.layers[node.layer];
            let arguments = node.arguments.map(|place| value_at(&values, *place, layer))?;
            if self.nodes[..number].iter().all(|earlier| earlier.layer != node.layer) {
                tracer.build(layer, &arguments, weights)?;
            }
            given.push(tracer.inputs(layer, &arguments));
            let outputs = tracer.call(layer, &arguments, weights.scopes())?;
            if let Some(output) = outputs.first() {
                weights.note_shape(layer.name(), tracer.spec(output));
            }
            values.push(outputs);
        }
        let position = |name: &str| self.layers.iter().position(|layer| layer.name() == name);
        weights.order_from(before, |name| position(name).unwrap_or(usize::MAX));
        let specs = |values: &Vec<Traced<'_>>| values.iter().map(|value| tracer.spec(value)).collect();
        Ok(Walked { made: values.iter().map(specs).collect(), given })
    }

    /// The first call of each layer.
    fn first_nodes(&self) -> impl Iterator<Item = usize> + '_ {
        let first = |layer| self.nodes.iter().position(|node| node.layer == layer);
        (0..self.layers.len()).filter_map(first)
    }
}

fn value_at<T: Copy>(values: &[Vec<T>], place: Place, layer: &AnyLayer) -> Result<T> {
    let value = values.get(place.node).and_then(|outputs| outputs.get(place.output)).copied();
    value.ok_or_else(|| Error::Layer {
        path: layer.name().to_string(),
        reason: format!("takes output {} of a layer that has fewer outputs", place.output),
    })
}

impl Layer for Functional {
    fn class_name(&self) -> &str {
        "Functional"
    }

    fn registered_name(&self) -> Option<&str> {
        Some("Functional")
    }

    fn module(&self) -> Option<&str> {
        Some("keras.src.models.functional")
    }

    fn config(&self) -> Result<Config> {
        self.to_config()
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        refuse_host_layers(self)?;
        self.walk(inputs, weights).map(drop)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let masks: Vec<Option<Expr<'b>>> = (0..inputs.len()).map(|index| context.mask(index)).collect();
        let mut values: Vec<Vec<Masked<'b>>> = Vec::with_capacity(self.nodes.len());
        let feeds = self.feeds();
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(input) = feeds.iter().position(|&node| node == number) {
                let value = *inputs.get(input).ok_or_else(|| Error::Layer {
                    path: context.path(),
                    reason: format!("takes {} inputs; it got {}", feeds.len(), inputs.len()),
                })?;
                values.push(vec![Masked { value, mask: masks[input] }]);
                continue;
            }
            if !self.is_in_graph(number) {
                values.push(Vec::new());
                continue;
            }
            let layer = &self.layers[node.layer];
            let arguments = node.arguments.map(|place| value_at(&values, *place, layer))?;
            values.push(layer.call_with(context, &arguments)?);
        }
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for (index, place) in self.outputs.iter().enumerate() {
            let output = value_at(&values, *place, &self.layers[self.nodes[place.node].layer])?;
            context.set_output_mask(index, output.mask);
            outputs.push(output.value);
        }
        Ok(outputs)
    }

    fn takes_list(&self) -> bool {
        self.inputs.len() > 1
    }

    fn autocast(&self) -> Autocast {
        Autocast::Nothing
    }

    fn sublayers(&self) -> Vec<Sublayer<'_>> {
        Sublayer::list("layers", self.layers.iter().filter(|layer| !layer.layer().is_op()))
    }
}

impl Network for Functional {
    fn layers(&self) -> &[AnyLayer] {
        &self.layers
    }

    fn input_specs(&self) -> Option<Vec<Spec>> {
        Some(self.given_specs())
    }

    fn names_of_inputs(&self) -> Vec<String> {
        self.inputs.iter().map(|place| self.layers[self.nodes[place.node].layer].name().to_string()).collect()
    }

    fn names_of_outputs(&self) -> Vec<String> {
        self.output_names.clone()
    }

    fn symbols(&self) -> Result<(Vec<Symbol>, Vec<Symbol>)> {
        let mut made: Vec<Vec<Symbol>> = Vec::with_capacity(self.nodes.len());
        for (node, specs) in self.nodes.iter().zip(&self.specs) {
            let arguments = node.arguments.map(|place| Ok(made[place.node][place.output].clone()))?;
            made.push(Symbol::known(self.layers[node.layer].clone(), arguments, specs.clone()));
        }
        let inputs = self.inputs.iter().map(|place| made[place.node][place.output].clone()).collect();
        Ok((inputs, self.first_nodes().filter_map(|node| made[node].first().cloned()).collect()))
    }

    fn trace(&self, inputs: &[Spec], weights: &mut Weights) -> Result<Trace> {
        let Walked { made, given } = self.walk(inputs, weights)?;
        let output = |place: &Place| made[place.node][place.output].clone();
        Ok(Trace {
            layer_inputs: self.first_nodes().map(|node| given[node].clone()).collect(),
            outputs: self.outputs.iter().map(output).collect(),
            host: self.host_part(),
            feeds: self.feeds().into_iter().map(|node| made[node][0].clone()).collect(),
        })
    }

    fn edges(&self) -> Vec<Vec<Edge>> {
        let edge = |place: &Place| {
            let node = &self.nodes[place.node];
            Edge { layer: node.layer, node: node.index, output: place.output }
        };
        let of_layer = |layer: usize| {
            let mut nodes: Vec<&Node> = self.nodes.iter().filter(|node| node.layer == layer).collect();
            nodes.sort_by_key(|node| node.index);
            nodes.into_iter().flat_map(|node| node.arguments.tensors()).map(edge).collect()
        };
        (0..self.layers.len()).map(of_layer).collect()
    }

    fn is_linear(&self) -> bool {
        let follows = |number: usize| match self.nodes[number].arguments.tensors().as_slice() {
            [] => number == 0,
            [place] => place.node + 1 == number,
            _ => false,
        };
        self.layers.len() == self.nodes.len() && (0..self.nodes.len()).all(follows)
    }
}
