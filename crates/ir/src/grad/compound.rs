//! What the gradients of compound ops have in common: the results of one run are differentiated together.

use std::collections::BTreeMap;

use super::{Cotangents, along_time, conditional, receive};
use crate::builder::Builder;
use crate::compound::is_one_run;
use crate::error::GradError;
use crate::expr::Expr;
use crate::graph::{Node, Value};
use crate::op::Op;

/// One run of a compound op, and what its results have received.
pub(super) struct Received<'b> {
    pub(super) b: &'b Builder,
    /// One of its results.
    pub(super) node: Node,
    pub(super) args: Vec<Expr<'b>>,
    /// By output, for those that have received something. They are floats.
    pub(super) given: BTreeMap<usize, Expr<'b>>,
    /// For each argument whether its cotangent is asked for.
    pub(super) wanted: Vec<bool>,
}

/// At the first node of a run, when all its results have received what they will: what the arguments receive.
pub(super) fn propagate<'b>(
    at: Expr<'b>,
    node: &Node,
    relevant: &[bool],
    cotangents: &mut Cotangents<'b>,
) -> Result<(), GradError> {
    let b = at.builder();
    let results = results_of(b, node).filter(|(value, _)| relevant.get(value.index()) == Some(&true));
    let results: Vec<(Value, usize)> = results.collect();
    if results.iter().any(|&(value, _)| value < at.value()) {
        return Ok(());
    }
    let mut given: BTreeMap<usize, Expr<'b>> = BTreeMap::new();
    for (value, output) in results {
        if let Some(received) = cotangents[value.index()] {
            let sum = given.get(&output).map_or(received, |&before| before + received);
            given.insert(output, sum);
        }
    }
    if given.is_empty() {
        return Ok(());
    }
    let wanted = node.args.iter().map(|arg| relevant[arg.index()]).collect();
    let args = node.args.iter().map(|&arg| b.expr(arg)).collect();
    let of = Received { b, node: node.clone(), args, given, wanted };
    let received = match &node.op {
        Op::Scan(scan) => along_time::received(scan, &of)?,
        Op::Conditional(conditional) => conditional::received(conditional, &of)?,
        op => unreachable!("`{}` is no compound op", op.rules().name()),
    };
    for (arg, received) in node.args.iter().zip(received) {
        if let Some(received) = received {
            receive(cotangents, *arg, received);
        }
    }
    Ok(())
}

/// The nodes that are results of the run that `node` is one of, with the numbers of their outputs.
pub(super) fn results_of(b: &Builder, node: &Node) -> impl Iterator<Item = (Value, usize)> {
    (0..b.len()).map(Value::new).filter_map(move |value| {
        let other = b.node(value);
        let output = other.op.rules().compound()?.output();
        is_one_run(node, &other).then_some((value, output))
    })
}
