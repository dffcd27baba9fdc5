//! Order: the layers and calls of a graph in the order in which Keras lists them, which files and weights follow.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Place;
use crate::error::{Error, Result};
use crate::layers::AnyLayer;
use crate::model::symbol::{Call, Symbol};

/// A graph's layers and calls, the farthest from the outputs first.
pub(super) struct Order {
    pub(super) layers: Vec<AnyLayer>,
    pub(super) calls: Vec<Arc<Call>>,
}

/// A walk from the outputs back to the inputs.
struct Walk<'a> {
    inputs: &'a [Symbol],
    seen: HashSet<*const Call>,
    /// Calls, each after those whose outputs it takes.
    calls: Vec<Arc<Call>>,
    /// Layers in the order in which the walk meets them.
    layers: Vec<AnyLayer>,
}

impl Walk<'_> {
    /// Depth first, by a stack of its own: models may be deep.
    fn visit(&mut self, output: &Symbol) {
        let mut open: Vec<(Arc<Call>, bool)> = vec![(output.call.clone(), false)];
        while let Some((call, is_done)) = open.pop() {
            if is_done {
                self.calls.push(call);
                continue;
            }
            if !self.seen.insert(Arc::as_ptr(&call)) {
                continue;
            }
            if !self.layers.iter().any(|layer| layer.is(&call.layer)) {
                self.layers.push(call.layer.clone());
            }
            open.push((call.clone(), true));
            if !self.inputs.iter().any(|input| Arc::ptr_eq(&input.call, &call)) {
                let before = call.arguments.tensors();
                open.extend(before.iter().rev().map(|symbol| (symbol.call.clone(), false)));
            }
        }
    }
}

/// Keras's `map_graph`: a call is one deeper than the deepest call that takes its outputs, a layer is as deep as its
/// deepest call; within a depth, layers stand as a walk from the outputs meets them.
pub(super) fn order(inputs: &[Symbol], outputs: &[Symbol]) -> Result<Order> {
    let mut walk = Walk { inputs, seen: HashSet::new(), calls: Vec::new(), layers: Vec::new() };
    outputs.iter().for_each(|output| walk.visit(output));
    let is_given = |call: &Arc<Call>| inputs.iter().any(|input| Arc::ptr_eq(&input.call, call));
    if let Some(lost) = walk.calls.iter().find(|call| call.arguments.tensors().is_empty() && !is_given(call))
    {
        let what = format!(
            "an output depends on the symbol of {}, which is not among the model's inputs",
            lost.layer.described()
        );
        return Err(Error::Data { what });
    }
    let met = |layer: &AnyLayer| walk.layers.iter().position(|other| other.is(layer)).unwrap_or(0);
    let mut call_depths: HashMap<*const Call, usize> = HashMap::new();
    let mut layer_depths = vec![0; walk.layers.len()];
    for call in walk.calls.iter().rev() {
        let layer = met(&call.layer);
        let depth = call_depths.get(&Arc::as_ptr(call)).copied().unwrap_or(0).max(layer_depths[layer]);
        layer_depths[layer] = depth;
        call_depths.insert(Arc::as_ptr(call), depth);
        if !is_given(call) {
            for before in call.arguments.tensors() {
                let known = call_depths.entry(Arc::as_ptr(&before.call)).or_insert(0);
                *known = (*known).max(depth + 1);
            }
        }
    }
    let mut layers: Vec<usize> = (0..walk.layers.len()).collect();
    layers.sort_by_key(|&layer| (Reverse(layer_depths[layer]), layer));
    let mut layers: Vec<AnyLayer> = layers.into_iter().map(|layer| walk.layers[layer].clone()).collect();
    // Inputs that no output depends on come last, at depth 0.
    for input in inputs {
        if !layers.iter().any(|layer| layer.is(input.layer())) {
            layers.push(input.layer().clone());
            walk.calls.push(input.call.clone());
        }
    }
    let mut calls = walk.calls;
    let place = |call: &Arc<Call>| layers.iter().position(|layer| layer.is(&call.layer)).unwrap_or(0);
    calls.sort_by_key(|call| {
        (Reverse(call_depths.get(&Arc::as_ptr(call)).copied().unwrap_or(0)), place(call), call.number)
    });
    Ok(Order { layers, calls })
}

impl Order {
    pub(super) fn place(&self, symbol: &Symbol) -> Result<Place> {
        let node = self.calls.iter().position(|call| Arc::ptr_eq(call, &symbol.call));
        match node {
            Some(node) => Ok(Place { node, output: symbol.output }),
            None => Err(Error::Data { what: "a symbol is not part of the model".to_string() }),
        }
    }

    /// The layers in the order of their first calls: the order in which those without a name get one.
    pub(super) fn as_made(&self) -> Vec<&AnyLayer> {
        let mut calls: Vec<&Arc<Call>> = self.calls.iter().collect();
        calls.sort_by_key(|call| call.number);
        calls.into_iter().map(|call| &call.layer).collect()
    }

    pub(super) fn layer(&self, call: &Call) -> usize {
        self.layers.iter().position(|layer| layer.is(&call.layer)).unwrap_or(0)
    }

    /// Which of its layer's calls it is, in the order in which they were made.
    pub(super) fn index(&self, call: &Call) -> usize {
        self.calls.iter().filter(|other| other.layer.is(&call.layer) && other.number < call.number).count()
    }
}
