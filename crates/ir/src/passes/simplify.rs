//! Simplification: constants are folded, and each op's own rules are applied until none fits.

use super::rewrite;
use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::{Graph, Node};
use crate::op::{At, Op};
use crate::tensor::Tensor;

/// Results of more elements than this are not folded: computing them again is cheaper than carrying them.
const LARGEST_FOLD: usize = 1024;

/// How many rules may fire one after another on one node: more than any chain of the rules can be, so that a pair of
/// rules that undo each other ends as a slow program, not as an endless loop.
const LONGEST_CHAIN: usize = 16;

/// Folds constants and applies [`crate::op::Rules::simplify`] everywhere.
pub fn simplify(graph: &Graph) -> Graph {
    rewrite(graph, |builder, node, args| simplified(builder, node.op.clone(), args))
}

/// An op, as simple as it gets.
pub(crate) fn simplified<'b>(builder: &'b Builder, op: Op, args: &[Expr<'b>]) -> Expr<'b> {
    let mut expr = builder.apply(op, args);
    for _ in 0..LONGEST_CHAIN {
        match fold(builder, expr).or_else(|| cheaper(builder, expr)) {
            Some(better) => expr = better,
            None => break,
        }
    }
    expr
}

/// The op's own idea of a cheaper expression.
fn cheaper<'b>(builder: &'b Builder, expr: Expr<'b>) -> Option<Expr<'b>> {
    let node = expr.node();
    let at = At { args: node.args.iter().map(|&arg| builder.expr(arg)).collect(), value: expr };
    node.op.rules().simplify(&at)
}

/// The value of an op whose arguments are all constants, when it is small.
fn fold<'b>(builder: &'b Builder, expr: Expr<'b>) -> Option<Expr<'b>> {
    let node = expr.node();
    if node.args.is_empty() || node.ty.elements() > LARGEST_FOLD || keeps_its_form(&node) {
        return None;
    }
    let args: Option<Vec<Node>> = node.args.iter().map(|&arg| Some(builder.node(arg))).collect();
    let args = args?;
    let tensors: Option<Vec<&Tensor>> = args
        .iter()
        .map(|arg| if let Op::Constant(constant) = &arg.op { Some(&constant.0) } else { None })
        .collect();
    Some(builder.constant(node.op.rules().eval(&tensors?, &node.ty)))
}

/// A broadcast number is worth more as it is: kernels read it from the instruction, and rules recognize it.
fn keeps_its_form(node: &Node) -> bool {
    matches!(node.op, Op::Broadcast(_)) && node.ty.elements() > 1
}
