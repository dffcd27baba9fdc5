//! The check of gradients: what the rules derive against differences of the program itself, in double precision.

use super::draw::Draw;
use crate::builder::Builder;
use crate::error::GradError;
use crate::expr::Expr;
use crate::grad::gradients;
use crate::graph::{Graph, Node};
use crate::interpret::interpret;
use crate::op::Op;
use crate::ops::{Cast, Compound, Constant, Input, Iota};
use crate::tensor::Tensor;
use crate::types::{DType, Type};

/// How far the inputs are moved to each side. The error of a central difference is about the square of this.
const STEP: f64 = 1e-5;
/// How far the two derivatives may be apart, relative to the sizes of the terms they are made of.
const TOLERANCE: f64 = 1e-6;

/// Compares the gradient of a random weighing of a program's outputs with the change seen when each float input is
/// moved a little in a random direction. Answers how many inputs had a gradient, none included: then there is nothing
/// to check.
pub fn check_gradient(graph: &Graph, inputs: &[Tensor]) -> Result<usize, String> {
    let Some(with_gradient) = gradient_graph(graph).map_err(|error| error.to_string())? else { return Ok(0) };
    let inputs: Vec<Tensor> = inputs.iter().map(in_double).collect();
    let moving: Vec<usize> = (0..inputs.len()).filter(|&i| inputs[i].dtype() == DType::F64).collect();
    let derived = interpret(&with_gradient, &inputs);
    let mut draw = Draw::new(graph.nodes.len() as u64);
    let mut checked = 0;
    for (&input, gradient) in moving.iter().zip(&derived[1..]) {
        let direction = draw.tensor(&inputs[input].ty(), &(-1.0..=1.0));
        let terms: Vec<f64> = gradient.floats().iter().zip(direction.floats()).map(|(g, d)| g * d).collect();
        let moved = |distance: f64| {
            let mut inputs = inputs.clone();
            inputs[input] = along(&inputs[input], &direction, distance);
            interpret(&with_gradient, &inputs)[0].floats()[0]
        };
        let seen = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let said: f64 = terms.iter().sum();
        let scale: f64 = 1.0 + seen.abs() + terms.iter().map(|term| term.abs()).sum::<f64>();
        // Not a number on either side is a difference too.
        if (seen - said).abs().partial_cmp(&(TOLERANCE * scale)).is_none_or(|order| order.is_gt()) {
            return Err(format!("input {input}: the gradient says {said}, the difference is {seen}"));
        }
        checked += usize::from(!terms.is_empty());
    }
    Ok(checked)
}

/// The program in double precision with other outputs: the sum of all its float outputs, randomly weighed, and the
/// derivative of that with respect to each float input. `None` when no float output depends on a float input.
pub fn gradient_graph(graph: &Graph) -> Result<Option<Graph>, GradError> {
    let b = Builder::new();
    let mut made: Vec<Expr<'_>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Expr<'_>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        made.push(match doubled(node) {
            Op::Input(input) => b.input(&input.name, input.ty),
            op => b.apply(op, &args),
        });
    }
    let mut draw = Draw::new(graph.nodes.len() as u64);
    let floats = |expr: &Expr<'_>| expr.dtype().is_float();
    let outputs = graph.outputs.iter().map(|output| made[output.index()]).filter(floats);
    let terms = outputs.map(|output| {
        let weights = draw.tensor(&output.ty(), &(0.5..=1.5));
        (output * b.constant(weights)).sum_all()
    });
    let Some(total) = terms.reduce(|sum, term| sum + term) else { return Ok(None) };
    let inputs: Vec<Expr<'_>> = graph.inputs.iter().map(|input| made[input.index()]).filter(floats).collect();
    let derived = gradients(total, &inputs)?;
    if derived.iter().all(Option::is_none) {
        return Ok(None);
    }
    let derived = inputs.iter().zip(derived).map(|(input, ct)| ct.unwrap_or_else(|| input.full_like(0.0)));
    let outputs: Vec<Expr<'_>> = std::iter::once(total).chain(derived).collect();
    Ok(Some(b.finish(&outputs).expect("a well-typed graph has a well-typed gradient")))
}

/// The program in double precision.
pub fn graph_in_doubles(graph: &Graph) -> Graph {
    let b = Builder::new();
    let mut made: Vec<Expr<'_>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Expr<'_>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        made.push(match doubled(node) {
            Op::Input(input) => b.input(&input.name, input.ty),
            op => b.apply(op, &args),
        });
    }
    let outputs: Vec<Expr<'_>> = graph.outputs.iter().map(|output| made[output.index()]).collect();
    b.finish_with_state(graph.state, &outputs).expect("a well-typed graph is so in doubles")
}

/// The op with doubles in place of all floats.
fn doubled(node: &Node) -> Op {
    let widen = |dtype: DType| if dtype.is_float() { DType::F64 } else { dtype };
    let widened = |ty: &Type| ty.with_dtype(widen(ty.dtype));
    match &node.op {
        Op::Input(input) => Input { ty: widened(&input.ty), ..input.clone() }.into(),
        Op::Constant(Constant(tensor)) => Constant(in_double(tensor)).into(),
        Op::Iota(iota) => Iota { ty: widened(&iota.ty), ..iota.clone() }.into(),
        Op::Cast(cast) => Cast { dtype: widen(cast.dtype) }.into(),
        op => match op.rules().compound() {
            Some(compound) => in_doubles(compound),
            // All others take their element type from their arguments.
            None => op.clone(),
        },
    }
}

/// A compound op with doubles in place of all floats.
fn in_doubles(compound: &dyn Compound) -> Op {
    let bodies = compound.bodies();
    let inputs: Vec<usize> = (0..bodies[0].inputs.len()).collect();
    compound.with_bodies(bodies.into_iter().map(doubled_body).collect(), &inputs)
}

/// A body with doubles in place of all floats.
fn doubled_body(body: &Graph) -> Graph {
    let b = Builder::new();
    let mut made: Vec<Expr<'_>> = Vec::with_capacity(body.nodes.len());
    for node in &body.nodes {
        let args: Vec<Expr<'_>> = node.args.iter().map(|arg| made[arg.index()]).collect();
        made.push(b.apply(doubled(node), &args));
    }
    let outputs: Vec<Expr<'_>> = body.outputs.iter().map(|output| made[output.index()]).collect();
    let graph = b.finish_with_state(0, &outputs).expect("a well-typed graph is so in doubles");
    Graph { inputs: body.inputs.clone(), state: body.state, ..graph }
}

/// The tensor in double precision, if it is of floats.
pub fn in_double(tensor: &Tensor) -> Tensor {
    if !tensor.dtype().is_float() {
        return tensor.clone();
    }
    Tensor::from_floats(&tensor.ty().with_dtype(DType::F64), tensor.floats())
}

fn along(x: &Tensor, direction: &Tensor, distance: f64) -> Tensor {
    Tensor::from_floats(&x.ty(), x.floats().iter().zip(direction.floats()).map(|(x, d)| x + d * distance))
}
