//! The calls of a functional model that run on the host, and what its graph takes of them.

use super::{Functional, Node, Place};
use crate::model::host::{HostCall, HostPart};

impl Functional {
    /// False for inputs of strings and calls on the host.
    pub(super) fn is_in_graph(&self, node: usize) -> bool {
        let layer = self.layers[self.nodes[node].layer].layer();
        !self.is_host_call(node) && !layer.input_spec().is_some_and(|spec| spec.is_text())
    }

    fn is_host_call(&self, node: usize) -> bool {
        self.layers[self.nodes[node].layer].layer().as_host().is_some()
    }

    /// The nodes whose values the graph is given, in order: the inputs that are numbers, then the calls on the host
    /// that the graph or the outputs take.
    pub(super) fn feeds(&self) -> Vec<usize> {
        let inputs = self.inputs.iter().map(|place| place.node).filter(|&node| self.is_in_graph(node));
        let is_taken = |&node: &usize| {
            let takes = |taker: &Node| taker.arguments.tensors().iter().any(|place| place.node == node);
            let in_graph = (0..self.nodes.len()).filter(|&taker| self.is_in_graph(taker));
            self.outputs.iter().any(|place| place.node == node)
                || in_graph.into_iter().any(|taker| takes(&self.nodes[taker]))
        };
        let calls = (0..self.nodes.len()).filter(|&node| self.is_host_call(node)).filter(is_taken);
        inputs.chain(calls).collect()
    }

    /// The calls on the host. Each takes inputs of the model and what calls before it make.
    pub(super) fn host_part(&self) -> HostPart {
        let mut nodes: Vec<usize> = self.inputs.iter().map(|place| place.node).collect();
        let mut calls = Vec::new();
        for (number, node) in self.nodes.iter().enumerate().filter(|&(number, _)| self.is_host_call(number)) {
            let layer = &self.layers[node.layer];
            let takes = node.arguments.inputs(layer.layer().input_names());
            calls.push(HostCall {
                layer: layer.clone(),
                takes: takes.into_iter().filter_map(|place: &Place| position(&nodes, place.node)).collect(),
            });
            nodes.push(number);
        }
        let feeds = self.feeds().into_iter().filter_map(|node| position(&nodes, node)).collect();
        HostPart { calls, feeds }
    }
}

fn position(nodes: &[usize], node: usize) -> Option<usize> {
    nodes.iter().position(|&other| other == node)
}
