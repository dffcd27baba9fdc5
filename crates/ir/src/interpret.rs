//! The reference evaluator: slow, obvious, and what every backend is compared with.

use crate::graph::Graph;
use crate::op::Op;
use crate::tensor::Tensor;

/// The program's outputs for these inputs (state first).
///
/// # Panics
/// When the inputs are not of the graph's input types.
pub fn interpret(graph: &Graph, inputs: &[Tensor]) -> Vec<Tensor> {
    let given: Vec<_> = inputs.iter().map(Tensor::ty).collect();
    assert_eq!(given, graph.input_types(), "the inputs must have the graph's types");
    let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<&Tensor> = node.args.iter().map(|arg| &values[arg.index()]).collect();
        let value = match &node.op {
            Op::Input(input) => inputs[input.number].clone(),
            op => op.rules().eval(&args, &node.ty),
        };
        debug_assert_eq!(
            value.ty(),
            node.ty,
            "`{}` must evaluate to the type it infers",
            node.op.rules().name()
        );
        values.push(value);
    }
    graph.outputs.iter().map(|output| values[output.index()].clone()).collect()
}
