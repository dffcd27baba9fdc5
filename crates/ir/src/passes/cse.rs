//! Common subexpressions: a node that repeats an earlier one gives way to it.

use std::collections::HashMap;

use crate::graph::{Graph, Node, Value};

/// Keeps the first of equal nodes. Ops are pure, so equal ops of equal arguments are equal values.
pub fn eliminate_common(graph: &Graph) -> Graph {
    let mut first: HashMap<Node, Value> = HashMap::with_capacity(graph.nodes.len());
    let mut renamed: Vec<Value> = Vec::with_capacity(graph.nodes.len());
    let mut after = Graph { state: graph.state, ..Graph::default() };
    for node in &graph.nodes {
        let args = node.args.iter().map(|arg| renamed[arg.index()]).collect();
        let node = Node { args, ..node.clone() };
        let value = *first.entry(node).or_insert_with_key(|node| {
            after.nodes.push(node.clone());
            Value::new(after.nodes.len() - 1)
        });
        renamed.push(value);
    }
    after.inputs = graph.inputs.iter().map(|value| renamed[value.index()]).collect();
    after.outputs = graph.outputs.iter().map(|value| renamed[value.index()]).collect();
    after
}
