//! The passes: from the graph as it was built to the graph that is planned.
//!
//! A pass is a function from graph to graph that keeps every output's value. It walks the nodes in order and re-emits
//! them through a builder. The pipeline below is read from top to bottom.

pub(crate) mod bodies;
mod canonicalize;
mod cse;
mod dead;
mod operands;
mod simplify;
mod sums;
mod turn;

pub use bodies::optimize_bodies;
pub use canonicalize::canonicalize;
pub use cse::eliminate_common;
pub use dead::eliminate_dead;
pub use operands::own_operands;
pub(crate) use simplify::simplified;
pub use simplify::simplify;
pub use sums::share_sums;
pub use turn::turn_invariants;

use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::{Graph, Node};
use crate::verify::verify;

/// One rewriting of a whole graph.
pub struct Pass {
    /// Its name, as dumped files are called.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&Graph) -> Graph,
}

/// What [`optimize`] runs, in order.
pub const PIPELINE: [Pass; 10] = [
    // The gradient leaves behind much that no output needs: first of all, so that the rest has less to do.
    Pass { name: "dead", run: eliminate_dead },
    Pass { name: "simplify", run: simplify },
    // Forward and backward compute the same things: after simplify, which makes equal things look equal.
    Pass { name: "cse", run: eliminate_common },
    // Sums that are others but for a factor: after cse, which makes equal addends one value.
    Pass { name: "sums", run: share_sums },
    // The bodies of compound ops go through all of this themselves: after cse, which has joined equal results
    // of one.
    Pass { name: "bodies", run: optimize_bodies },
    // Dots become plain matrix products: after simplify, whose rules would undo that form.
    Pass { name: "canonicalize", run: canonicalize },
    // Bodies are in that form by now, and show which operands they turn in every step.
    Pass { name: "turn", run: turn_invariants },
    // Two products may now read the same transposed operand.
    Pass { name: "cse-again", run: eliminate_common },
    // What ops change in place is theirs alone: after the last cse, which would join it again.
    Pass { name: "operands", run: own_operands },
    Pass { name: "dead-again", run: eliminate_dead },
];

/// Runs the whole pipeline.
pub fn optimize(graph: &Graph) -> Graph {
    observe(graph, |_, _| {})
}

/// Runs the whole pipeline and shows the graph after each pass.
pub fn observe(graph: &Graph, mut see: impl FnMut(&Pass, &Graph)) -> Graph {
    PIPELINE.iter().fold(graph.clone(), |graph, pass| {
        let after = (pass.run)(&graph);
        debug_assert_eq!(verify(&after), Ok(()), "the pass `{}` made a wrong graph", pass.name);
        see(pass, &after);
        after
    })
}

/// Re-emits a graph. For each node, `emit` is given the node and its arguments in the new graph.
pub(crate) fn rewrite(
    graph: &Graph,
    mut emit: impl for<'b> FnMut(&'b Builder, &Node, &[Expr<'b>]) -> Expr<'b>,
) -> Graph {
    let builder = Builder::new();
    let mut made: Vec<Expr<'_>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Expr<'_>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        let expr = match &node.op {
            crate::op::Op::Input(input) => builder.input(&input.name, input.ty.clone()),
            _ => builder.coming_from(node.origin.clone(), || emit(&builder, node, &args)),
        };
        made.push(expr);
    }
    let outputs: Vec<Expr<'_>> = graph.outputs.iter().map(|output| made[output.index()]).collect();
    builder.finish_with_state(graph.state, &outputs).expect("a pass emits only well-typed nodes")
}
