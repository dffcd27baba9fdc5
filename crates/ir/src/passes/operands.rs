//! Operands that an op changes in place: each such op gets one of its own, where it can be had for nothing.

use super::rewrite;
use crate::graph::Graph;
use crate::op::Op;

/// Repeats the broadcast that an op changes in place, mostly zeros that it adds something to. What else reads the
/// same numbers then needs no memory for them, and the op is the last to read its own.
pub fn own_operands(graph: &Graph) -> Graph {
    rewrite(graph, |builder, node, args| {
        let mut args = args.to_vec();
        if node.op.changes_in_place() {
            let operand = args[0].node();
            if let Op::Broadcast(_) = operand.op {
                args[0] = builder.apply(operand.op, &[builder.expr(operand.args[0])]);
            }
        }
        builder.apply(node.op.clone(), &args)
    })
}
