//! Whether results agree with the reference evaluator as closely as the ops promise.
//!
//! How much rounding may show is measured, not guessed: the program is evaluated again with the arguments of every op
//! that rounds shaken by one unit in the last place (Monte Carlo arithmetic, Parker 1997). Where sums cancel or a
//! function is steep, results scatter widely and the tolerance is wide; where nothing rounds it is zero.

use crate::graph::{Graph, Node};
use crate::interpret::interpret;
use crate::op::{Exactness, Op};
use crate::tensor::Tensor;
use crate::testing::Draw;

/// How often the program is shaken.
const SHAKES: u64 = 6;
/// How far from the reference a result may lie, in the largest distances that shaking showed.
const SPREADS: f64 = 8.0;
/// How far a result may lie beyond that, in units of its own last place: for the rounding of the last op itself.
const UNITS: f64 = 8.0;

/// Compares a program's outputs with the reference evaluator's; says where they first differ by too much.
pub fn agreement(graph: &Graph, inputs: &[Tensor], got: &[Tensor]) -> Result<(), String> {
    compared(&interpret(graph, inputs), got, &tolerances(graph, inputs))
}

/// Compares outputs with others, given for each element how far they may be apart.
pub(super) fn compared(want: &[Tensor], got: &[Tensor], tolerances: &[Vec<f64>]) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{} outputs, not {}", got.len(), want.len()));
    }
    for (number, (want, got)) in want.iter().zip(got).enumerate() {
        if want.ty() != got.ty() {
            return Err(format!("output {number} is {}, not {}", got.ty(), want.ty()));
        }
        if let Some(i) = first_difference(want, got, &tolerances[number]) {
            let (want, got, tolerance) = (shown(want, i), shown(got, i), tolerances[number][i]);
            return Err(format!("output {number}, element {i}: {got}, not {want} (within {tolerance:e})"));
        }
    }
    Ok(())
}

/// For each element of each output how far from the reference it may lie.
pub fn tolerances(graph: &Graph, inputs: &[Tensor]) -> Vec<Vec<f64>> {
    let want = interpret(graph, inputs);
    let mut spreads: Vec<Vec<f64>> = want.iter().map(|want| vec![0.0; want.shape().elements()]).collect();
    if !graph.nodes.iter().any(rounds) {
        return spreads;
    }
    for seed in 0..SHAKES {
        for ((spread, want), shaken) in
            spreads.iter_mut().zip(&want).zip(shaken(graph, inputs, &mut Draw::new(seed)))
        {
            for ((spread, want), shaken) in spread.iter_mut().zip(want.floats()).zip(shaken.floats()) {
                // `max` passes over the NaN of two infinities, and of a function shaken out of its domain.
                *spread = spread.max((shaken - want).abs());
            }
        }
    }
    let tolerance = |want: &Tensor, spread: Vec<f64>| -> Vec<f64> {
        let epsilon = want.dtype().epsilon();
        let wide = |(spread, value): (f64, f64)| {
            // Backends may take numbers below the normal range for 0.
            let own = if epsilon > 0.0 {
                epsilon * value.abs() * UNITS + f64::from(f32::MIN_POSITIVE)
            } else {
                0.0
            };
            spread * SPREADS + if own.is_finite() { own } else { 0.0 }
        };
        spread.into_iter().zip(want.floats()).map(wide).collect()
    };
    want.iter().zip(spreads).map(|(want, spread)| tolerance(want, spread)).collect()
}

/// True if backends may compute this node's elements with another rounding.
fn rounds(node: &Node) -> bool {
    node.ty.dtype.is_float() && node.op.rules().exactness() == Exactness::Rounding
}

/// The outputs when the arguments of ops that round are off by a unit in the last place.
fn shaken(graph: &Graph, inputs: &[Tensor], draw: &mut Draw) -> Vec<Tensor> {
    let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<Tensor> = node.args.iter().map(|arg| values[arg.index()].clone()).collect();
        let args: Vec<Tensor> =
            if rounds(node) { args.iter().map(|arg| shake(arg, draw)).collect() } else { args };
        values.push(match &node.op {
            Op::Input(input) => inputs[input.number].clone(),
            op => {
                let args: Vec<&Tensor> = args.iter().collect();
                match op.rules().compound() {
                    Some(compound) => {
                        compound.run(&args, &node.ty, &mut |body, inputs| shaken(body, inputs, draw))
                    }
                    None => op.rules().eval(&args, &node.ty),
                }
            }
        });
    }
    graph.outputs.iter().map(|output| values[output.index()].clone()).collect()
}

fn shake(tensor: &Tensor, draw: &mut Draw) -> Tensor {
    if !tensor.dtype().is_float() {
        return tensor.clone();
    }
    let epsilon = tensor.dtype().epsilon();
    let shaken = tensor.floats().into_iter().map(|x| x * (1.0 + draw.one(&[-epsilon, epsilon])));
    Tensor::from_floats(&tensor.ty(), shaken)
}

fn first_difference(want: &Tensor, got: &Tensor, tolerances: &[f64]) -> Option<usize> {
    if !want.dtype().is_float() {
        let pairs = want.integers().into_iter().zip(got.integers()).zip(tolerances);
        return pairs.into_iter().position(|((want, got), tolerance)| want.abs_diff(got) as f64 > *tolerance);
    }
    let close = |want: f64, got: f64, tolerance: f64| {
        want == got || (want.is_nan() && got.is_nan()) || (want - got).abs() <= tolerance
    };
    let mut pairs = want.floats().into_iter().zip(got.floats()).zip(tolerances);
    pairs.position(|((want, got), tolerance)| !close(want, got, *tolerance))
}

fn shown(tensor: &Tensor, i: usize) -> String {
    if tensor.dtype().is_float() {
        format!("{:?}", tensor.floats()[i])
    } else {
        tensor.integers()[i].to_string()
    }
}
