//! The check of gradients: what the rules derive against differences of the program itself, in double precision.

use super::draw::Draw;
use crate::builder::Builder;
use crate::error::GradError;
use crate::expr::Expr;
use crate::grad::gradients;
use crate::graph::Graph;
use crate::interpret::interpret;
use crate::tensor::Tensor;
use crate::testing::retyped::{made_in, tensor_in};
use crate::types::DType;

/// How far the inputs are moved to each side. The error of a central difference is about the square of this.
const STEP: f64 = 1e-5;
/// How far the two derivatives may be apart, relative to the sizes of the terms they are made of.
const TOLERANCE: f64 = 1e-6;

/// Compares the gradient of a random weighing of a program's outputs with the change seen when each float input is
/// moved a little in a random direction. Answers how many inputs had a gradient, none included: then there is nothing
/// to check.
pub fn check_gradient(graph: &Graph, inputs: &[Tensor]) -> Result<usize, String> {
    let Some(with_gradient) = gradient_graph(graph).map_err(|error| error.to_string())? else { return Ok(0) };
    let inputs: Vec<Tensor> = inputs.iter().map(|input| tensor_in(DType::F64, input)).collect();
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
    gradient_graph_in(DType::F64, graph)
}

/// [`gradient_graph`] in this type of floats.
pub fn gradient_graph_in(dtype: DType, graph: &Graph) -> Result<Option<Graph>, GradError> {
    let b = Builder::new();
    let made = made_in(dtype, graph, &b);
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

fn along(x: &Tensor, direction: &Tensor, distance: f64) -> Tensor {
    Tensor::from_floats(&x.ty(), x.floats().iter().zip(direction.floats()).map(|(x, d)| x + d * distance))
}
