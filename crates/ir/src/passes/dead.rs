//! Dead code: nodes that no output needs are left out. Inputs stay, for they are the program's signature.

use crate::graph::{Graph, Value};
use crate::op::Op;

/// Leaves out every node that no output depends on.
pub fn eliminate_dead(graph: &Graph) -> Graph {
    let live = live_nodes(graph);
    let mut renamed: Vec<Option<Value>> = vec![None; graph.nodes.len()];
    let mut after = Graph { state: graph.state, ..Graph::default() };
    for value in graph.values().filter(|value| live[value.index()]) {
        let mut node = graph.node(value).clone();
        for arg in &mut node.args {
            *arg = renamed[arg.index()].expect("what a live node uses is live");
        }
        after.nodes.push(node);
        renamed[value.index()] = Some(Value::new(after.nodes.len() - 1));
    }
    let keep =
        |values: &[Value]| values.iter().map(|value| renamed[value.index()].expect("kept above")).collect();
    after.inputs = keep(&graph.inputs);
    after.outputs = keep(&graph.outputs);
    after
}

fn live_nodes(graph: &Graph) -> Vec<bool> {
    let mut live: Vec<bool> = graph.nodes.iter().map(|node| matches!(node.op, Op::Input(_))).collect();
    for output in &graph.outputs {
        live[output.index()] = true;
    }
    for value in graph.values().rev().filter(|value| value.index() < graph.nodes.len()) {
        if live[value.index()] {
            for arg in &graph.node(value).args {
                live[arg.index()] = true;
            }
        }
    }
    live
}
