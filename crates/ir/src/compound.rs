//! Compound ops: those that run graphs of their own, their bodies.

use smallvec::SmallVec;

use crate::expr::Expr;
use crate::graph::{Graph, Node};
use crate::op::{Exactness, Op};
use crate::tensor::Tensor;
use crate::types::Type;

/// An op that runs graphs of its own.
///
/// A value has one type, so a node is one result: output number [`Compound::output`] of the bodies. Nodes that differ
/// in that alone are one run of the bodies: plans do it once, and it is differentiated as a whole.
pub trait Compound {
    /// Which output of the bodies the node is.
    fn output(&self) -> usize;

    /// The op of the node for another output of the same run.
    fn for_output(&self, output: usize) -> Op;

    /// The graphs. All have as many inputs and outputs, of the same types.
    fn bodies(&self) -> SmallVec<[&Graph; 2]>;

    /// The number of the argument that the first input of the bodies gets. Those of the others follow in their order.
    fn first_input(&self) -> usize;

    /// The op with other bodies, whose inputs are those of the former ones with these numbers.
    fn with_bodies(&self, bodies: Vec<Graph>, inputs: &[usize]) -> Op;

    /// The result, where `run` evaluates the bodies.
    fn run(&self, args: &[&Tensor], ty: &Type, run: &mut Evaluator<'_>) -> Tensor;
}

/// Gives the outputs of a graph for these inputs.
pub type Evaluator<'a> = dyn FnMut(&Graph, &[Tensor]) -> Vec<Tensor> + 'a;

/// True if two nodes are results of one run of a compound op.
pub(crate) fn is_one_run(a: &Node, b: &Node) -> bool {
    a.args == b.args
        && match (a.op.rules().compound(), b.op.rules().compound()) {
            // Bodies that are one in memory are not compared node by node.
            (Some(x), Some(y)) => x.for_output(0) == y.for_output(0),
            (_, _) => false,
        }
}

/// The nodes of a body once more, on these inputs, as `apply` makes them.
pub(crate) fn replay<'b>(
    body: &Graph,
    inputs: &[Expr<'b>],
    apply: impl Fn(Op, &[Expr<'b>]) -> Expr<'b>,
) -> Vec<Expr<'b>> {
    let mut made: Vec<Expr<'b>> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let args: SmallVec<[Expr<'b>; 3]> = node.args.iter().map(|arg| made[arg.index()]).collect();
        made.push(match &node.op {
            Op::Input(input) => inputs[input.number],
            op => apply(op.clone(), &args),
        });
    }
    made
}

/// How closely backends agree on an op that runs these bodies.
pub(crate) fn exactness<'g>(bodies: impl IntoIterator<Item = &'g Graph>) -> Exactness {
    let mut nodes = bodies.into_iter().flat_map(|body| &body.nodes);
    let rounds = nodes.any(|node| node.op.rules().exactness() == Exactness::Rounding);
    if rounds { Exactness::Rounding } else { Exactness::Exact }
}

/// Types as a sentence lists them: `(f32[3], i32[])`.
pub(crate) fn listed(types: &[Type]) -> String {
    let types: Vec<String> = types.iter().map(Type::to_string).collect();
    format!("({})", types.join(", "))
}
