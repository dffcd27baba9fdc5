//! A program with all its floats of another type: for gradients in double precision, and for backends in 16 bits.

use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::{Graph, Node};
use crate::op::Op;
use crate::ops::{Cast, Compound, Constant, Input, Iota};
use crate::tensor::Tensor;
use crate::types::{DType, Type};

/// The program with floats of this type in place of all others.
pub fn retyped(dtype: DType, graph: &Graph) -> Graph {
    let b = Builder::new();
    let made = made_in(dtype, graph, &b);
    let outputs: Vec<Expr<'_>> = graph.outputs.iter().map(|output| made[output.index()]).collect();
    b.finish_with_state(graph.state, &outputs).expect("a well-typed graph is so in other floats")
}

/// The nodes of a program in a builder, with floats of this type.
pub(super) fn made_in<'b>(dtype: DType, graph: &Graph, b: &'b Builder) -> Vec<Expr<'b>> {
    let mut made: Vec<Expr<'b>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Expr<'b>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        made.push(match op_in(dtype, node) {
            Op::Input(input) => b.input(&input.name, input.ty),
            op => b.apply(op, &args),
        });
    }
    made
}

/// The tensor with floats of this type, if it has floats.
pub fn tensor_in(dtype: DType, tensor: &Tensor) -> Tensor {
    if !tensor.dtype().is_float() {
        return tensor.clone();
    }
    Tensor::from_floats(&tensor.ty().with_dtype(dtype), tensor.floats())
}

fn op_in(dtype: DType, node: &Node) -> Op {
    let float = |own: DType| if own.is_float() { dtype } else { own };
    let retyped = |ty: &Type| ty.with_dtype(float(ty.dtype));
    match &node.op {
        Op::Input(input) => Input { ty: retyped(&input.ty), ..input.clone() }.into(),
        Op::Constant(Constant(tensor)) => Constant(tensor_in(dtype, tensor)).into(),
        Op::Iota(iota) => Iota { ty: retyped(&iota.ty), ..iota.clone() }.into(),
        Op::Cast(cast) => Cast { dtype: float(cast.dtype) }.into(),
        op => match op.rules().compound() {
            Some(compound) => compound_in(dtype, compound),
            // All others take their element type from their arguments.
            None => op.clone(),
        },
    }
}

fn compound_in(dtype: DType, compound: &dyn Compound) -> Op {
    let bodies = compound.bodies();
    let inputs: Vec<usize> = (0..bodies[0].inputs.len()).collect();
    compound.with_bodies(bodies.into_iter().map(|body| body_in(dtype, body)).collect(), &inputs)
}

fn body_in(dtype: DType, body: &Graph) -> Graph {
    let b = Builder::new();
    let mut made: Vec<Expr<'_>> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let args: Vec<Expr<'_>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        made.push(b.apply(op_in(dtype, node), &args));
    }
    let outputs: Vec<Expr<'_>> = body.outputs.iter().map(|output| made[output.index()]).collect();
    let graph = b.finish_with_state(0, &outputs).expect("a well-typed graph is so in other floats");
    Graph { inputs: body.inputs.clone(), state: body.state, ..graph }
}
