//! Operands of products that stay the same in every step of a loop are laid out once, before the loop, so that no step
//! has to: as `[k,n]` where a step would read them as `[n,k]`.

use std::sync::Arc;

use super::rewrite;
use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::{Graph, Node, Value};
use crate::op::Op;
use crate::ops::{Dot, Input, Scan};

/// Turns the invariant matrices of loops that are only multiplied from the left, and turned for that.
pub fn turn_invariants(graph: &Graph) -> Graph {
    // The results of one loop share their body; they share the new one too.
    let mut known: Vec<(Arc<Graph>, Vec<usize>, Arc<Graph>)> = Vec::new();
    rewrite(graph, |builder, node, args| {
        let Op::Scan(scan) = &node.op else { return builder.apply(node.op.clone(), args) };
        let place = known.iter().position(|(body, ..)| Arc::ptr_eq(body, &scan.body));
        let place = place.unwrap_or_else(|| {
            let turned = turned_inputs(scan);
            let body = if turned.is_empty() {
                scan.body.clone()
            } else {
                Arc::new(with_turned(&scan.body, &turned))
            };
            known.push((scan.body.clone(), turned, body));
            known.len() - 1
        });
        let (_, turned, body) = &known[place];
        let args: Vec<Expr<'_>> = args
            .iter()
            .enumerate()
            .map(|(number, arg)| if turned.contains(&number) { arg.transpose(&[1, 0]) } else { *arg })
            .collect();
        builder.apply(Scan { body: body.clone(), ..scan.clone() }, &args)
    })
}

/// The numbers of the inputs to turn.
fn turned_inputs(scan: &Scan) -> Vec<usize> {
    let body = &scan.body;
    let invariants = scan.sequence_range().end..body.inputs.len();
    invariants
        .filter(|&number| {
            body.ty(body.inputs[number]).shape.rank() == 2 && is_read_turned(body, body.inputs[number])
        })
        .collect()
}

/// True if products alone read a matrix, each as its right operand, summed along the last axis.
fn is_read_turned(body: &Graph, matrix: Value) -> bool {
    let users =
        |value: Value| body.nodes.iter().enumerate().filter(move |(_, node)| node.args.contains(&value));
    let is_turned = |value: Value, node: &Node| {
        let Op::Dot(dot) = &node.op else { return false };
        dot.rhs_contract[..] == [2] && node.args[1] == value && node.args[0] != value
    };
    let mut any = false;
    for (index, node) in users(matrix) {
        let value = Value::new(index);
        let shape = &node.ty.shape;
        let is_batch_of_one = matches!(node.op, Op::Reshape(_))
            && shape.rank() == 3
            && shape[0] == 1
            && shape[1..] == body.ty(matrix).shape[..];
        if !is_batch_of_one
            || body.outputs.contains(&value)
            || !users(value).all(|(_, node)| is_turned(value, node))
        {
            return false;
        }
        any = true;
    }
    any && !body.outputs.contains(&matrix)
}

/// The body with these inputs turned.
fn with_turned(body: &Graph, turned: &[usize]) -> Graph {
    let builder = Builder::new();
    let is_turned = |value: Value| turned.iter().any(|&number| body.inputs[number] == value);
    let mut made: Vec<Expr<'_>> = Vec::with_capacity(body.nodes.len());
    for (index, node) in body.nodes.iter().enumerate() {
        let args: Vec<Expr<'_>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        let swapped = |shape: &crate::types::Shape| {
            let rank = shape.rank();
            shape.with(rank - 2, shape[rank - 1]).with(rank - 1, shape[rank - 2])
        };
        let is_view =
            |arg: &Value| matches!(body.node(*arg).op, Op::Reshape(_)) && is_turned(body.node(*arg).args[0]);
        made.push(match &node.op {
            Op::Input(Input { name, ty, .. }) if is_turned(Value::new(index)) => {
                builder.input(name, ty.with_shape(swapped(&ty.shape)))
            }
            Op::Input(Input { name, ty, .. }) => builder.input(name, ty.clone()),
            Op::Reshape(_) if is_turned(node.args[0]) => args[0].reshape(swapped(&node.ty.shape)),
            Op::Dot(dot) if is_view(&node.args[1]) => {
                args[0].dot(args[1], Dot { rhs_contract: [1].into(), ..dot.clone() })
            }
            op => builder.apply(op.clone(), &args),
        });
    }
    let outputs: Vec<Expr<'_>> = body.outputs.iter().map(|output| made[output.index()]).collect();
    builder.finish_with_state(body.state, &outputs).expect("a product is the same however its operands lie")
}
