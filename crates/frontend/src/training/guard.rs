//! Guard: a step that changes nothing unless all that it would write is finite.

use cornu_ir::{Builder, Expr, Graph, op::Op, ops::Reduction};

use crate::error::Result;

/// The same step, but for this: the new state is the old one unless the first `watched` variables and the loss, which
/// stands first in the logs, are all finite. A last output says whether they were.
pub(super) fn guarded(graph: &Graph, watched: usize) -> Result<Graph> {
    let builder = Builder::new();
    let made = copied(graph, &builder);
    let expr = |value: &cornu_ir::Value| made[value.index()];
    let outputs: Vec<Expr<'_>> = graph.outputs.iter().map(expr).collect();
    let (state, rest) = outputs.split_at(graph.state);
    let loss = rest.iter().take(1).map(|logs| logs.slice_axis(0, 0, 1));
    let written = state.iter().take(watched).copied().filter(|value| value.dtype().is_float());
    let all = written.chain(loss).map(is_finite).reduce(Expr::and);
    let Some(all) = all else { return Ok(graph.clone()) };
    let kept = graph.inputs.iter().map(expr);
    let next = state.iter().zip(kept).map(|(&new, old)| all.broadcast_scalar(&new.shape()).select(new, old));
    let outputs: Vec<Expr<'_>> = next.chain(rest.iter().copied()).chain([all]).collect();
    Ok(builder.finish_with_state(graph.state, &outputs)?)
}

/// Whether all elements are finite, as a scalar. A comparison with NaN is false.
fn is_finite(value: Expr<'_>) -> Expr<'_> {
    let axes: Vec<usize> = (0..value.rank()).collect();
    value.abs().lt(value.full_like(f64::INFINITY)).reduce(Reduction::Min, &axes)
}

/// The nodes of a graph in another builder.
fn copied<'b>(graph: &Graph, builder: &'b Builder) -> Vec<Expr<'b>> {
    let mut made: Vec<Expr<'b>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Expr<'b>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        made.push(match &node.op {
            Op::Input(input) => builder.input(&input.name, input.ty.clone()),
            op => builder.apply(op.clone(), &args),
        });
    }
    made
}
