//! Part of a graph that becomes a graph of its own: the body of a compound op, written as a formula.

use std::collections::{HashMap, HashSet};

use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::{Graph, Node, Value};
use crate::op::Op;

/// What some values are made of.
pub(super) struct Part {
    /// The values that are taken in from outside, in the order of the graph.
    pub(super) taken: Vec<Value>,
    /// The values that are made inside, in the order of the graph.
    inside: Vec<Value>,
}

impl Part {
    /// What makes `outputs`, back to the values of which `is_inside` says no.
    pub(super) fn new(
        b: &Builder,
        outputs: &[Expr<'_>],
        mut is_inside: impl FnMut(Value, &Node) -> bool,
    ) -> Part {
        let (mut taken, mut inside) = (Vec::new(), Vec::new());
        let mut seen: HashSet<Value> = HashSet::new();
        let mut open: Vec<Value> = outputs.iter().map(|output| output.value()).collect();
        while let Some(value) = open.pop() {
            if !seen.insert(value) {
                continue;
            }
            let node = b.node(value);
            if is_inside(value, &node) {
                inside.push(value);
                open.extend(&node.args);
            } else {
                taken.push(value);
            }
        }
        inside.sort_unstable();
        taken.sort_unstable();
        Part { taken, inside }
    }

    /// The part as a graph with these inputs, among them all that it takes in.
    pub(super) fn graph(&self, b: &Builder, inputs: &[Value], state: usize, outputs: &[Expr<'_>]) -> Graph {
        let body = Builder::new();
        let mut made: HashMap<Value, Expr<'_>> =
            inputs.iter().map(|&value| (value, body.input("", b.ty(value)))).collect();
        for &value in &self.inside {
            let node = b.node(value);
            let args: Vec<Expr<'_>> = node.args.iter().map(|arg| made[arg]).collect();
            made.insert(value, body.apply(node.op, &args));
        }
        let outputs: Vec<Expr<'_>> = outputs.iter().map(|output| made[&output.value()]).collect();
        body.finish_with_state(state, &outputs).expect("what was built once can be built again")
    }
}

/// True for what stands outside but is as well made inside: a number, which rules and kernels then see, and a
/// broadcast, which costs nothing there.
pub(super) fn is_free(b: &Builder, value: Value, node: &Node) -> bool {
    matches!(node.op, Op::Broadcast(_)) || b.expr(value).as_number().is_some()
}
