//! `scan`: a body graph run along time, the basis of every recurrent layer.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::compound::{self, Compound, Evaluator, listed};
use crate::error::OpError;
use crate::expr::Expr;
use crate::graph::Graph;
use crate::interpret::interpret;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// One result of a loop that runs `body` once for each index of a leading axis.
///
/// The arguments are the initial carries, the sequences (with a leading axis of `length`), then the invariants. The
/// inputs of the body stand in that order too: the carries, which are its state, one slice of each sequence, the
/// invariants. Its outputs are the next carries, then what each step gives.
///
/// A value has one type, so a node is one result of the loop: output number `output` of the body, the last carry or
/// the results of all steps along a new leading axis. Nodes that differ in `output` alone are one loop, which plans
/// run once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scan {
    /// What a step computes; its state are the carries.
    pub body: Arc<Graph>,
    /// Number of steps.
    pub length: usize,
    /// From the last index to the first; each step's results lie at its own index all the same.
    pub reverse: bool,
    /// How many arguments after the carries are sequences.
    pub sequences: usize,
    /// Which output of the body this node is.
    pub output: usize,
}

impl Scan {
    /// How many values each step hands to the next.
    pub fn carries(&self) -> usize {
        self.body.state
    }

    /// The arguments that are sequences.
    pub fn sequence_range(&self) -> std::ops::Range<usize> {
        self.carries()..self.carries() + self.sequences
    }

    /// The same loop's node for another output.
    pub fn with_output(&self, output: usize) -> Scan {
        Scan { output, ..self.clone() }
    }

    /// The type of an argument, or of a result if `output` says so, that belongs to this type inside the body.
    fn outside(&self, inside: &Type, stacked: bool) -> Type {
        if stacked { stacked_type(inside, self.length) } else { inside.clone() }
    }

    /// The indices of the steps in the order they run.
    pub fn steps(&self) -> Box<dyn Iterator<Item = usize>> {
        if self.reverse { Box::new((0..self.length).rev()) } else { Box::new(0..self.length) }
    }
}

impl Compound for Scan {
    fn output(&self) -> usize {
        self.output
    }

    fn for_output(&self, output: usize) -> Op {
        self.with_output(output).into()
    }

    fn bodies(&self) -> SmallVec<[&Graph; 2]> {
        smallvec![&*self.body]
    }

    fn first_input(&self) -> usize {
        0
    }

    fn with_bodies(&self, bodies: Vec<Graph>, inputs: &[usize]) -> Op {
        let Ok([body]) = <[Graph; 1]>::try_from(bodies) else { unreachable!("a loop has one body") };
        let sequences = inputs.iter().filter(|input| self.sequence_range().contains(input)).count();
        Scan { body: Arc::new(body), sequences, ..self.clone() }.into()
    }

    fn run(&self, args: &[&Tensor], ty: &Type, run: &mut Evaluator<'_>) -> Tensor {
        let sequences = self.sequence_range();
        let mut carries: Vec<Tensor> = args[..sequences.start].iter().map(|&carry| carry.clone()).collect();
        let mut results: Vec<Option<Tensor>> = vec![None; self.length];
        for step in self.steps() {
            let slices = args[sequences.clone()].iter().map(|sequence| slice(sequence, step));
            let invariants = args[sequences.end..].iter().map(|&invariant| invariant.clone());
            let inputs: Vec<Tensor> = carries.into_iter().chain(slices).chain(invariants).collect();
            let mut outputs = run(&self.body, &inputs);
            results[step] = outputs.get(self.output).cloned();
            outputs.truncate(self.carries());
            carries = outputs;
        }
        if self.output < self.carries() {
            return carries.swap_remove(self.output);
        }
        let results: Vec<Tensor> = results.into_iter().flatten().collect();
        if results.is_empty() {
            return Tensor::zeros(ty);
        }
        let size = results[0].shape().elements().max(1);
        let parts: Vec<&Tensor> = results.iter().collect();
        Tensor::assembled(&parts, &ty.shape, |i| Some((i / size, i % size)))
    }
}

/// The type of so many values of one type along a new leading axis.
pub fn stacked_type(ty: &Type, length: usize) -> Type {
    ty.with_shape(std::iter::once(length).chain(ty.shape.iter().copied()).collect::<Shape>())
}

fn slice(sequence: &Tensor, step: usize) -> Tensor {
    let shape = sequence.shape().without(&[0]);
    let size = shape.elements();
    sequence.rearranged(&shape, |i| Some(step * size + i))
}

impl Rules for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let need = |what: String| Err(OpError::new("scan", what, args));
        if self.sequences > self.body.inputs.len().saturating_sub(self.carries()) {
            return need(format!("a body with an input for each of {} sequences", self.sequences));
        }
        let sequences = self.sequence_range();
        let inputs = self.body.input_types();
        let wanted: Vec<Type> =
            (0..inputs.len()).map(|i| self.outside(&inputs[i], sequences.contains(&i))).collect();
        if !wanted.iter().eq(args.iter().copied()) {
            return need(format!("what its body takes, {}", listed(&wanted)));
        }
        match self.body.outputs.get(self.output) {
            Some(&output) => Ok(self.outside(self.body.ty(output), self.output >= self.carries())),
            None => need(format!("a body with an output {}", self.output)),
        }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        unreachable!("`grad` differentiates the results of a loop together, not node by node")
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        self.run(args, ty, &mut interpret)
    }

    fn attributes(&self) -> Attributes {
        let reverse = if self.reverse { "true" } else { "false" };
        Attributes::default()
            .size("length", self.length)
            .word("reverse", reverse)
            .size("sequences", self.sequences)
            .size("output", self.output)
            .graph("body", self.body.clone())
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Scan, String>> {
        (name == "scan").then(|| {
            Ok(Scan {
                body: attributes.get_graph("body")?,
                length: attributes.get_size("length")?,
                reverse: attributes.get_bool("reverse")?,
                sequences: attributes.get_size("sequences")?,
                output: attributes.get_size("output")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        compound::exactness(self.bodies())
    }

    /// Without steps, a carry stays as it was, and nothing is stacked.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        if self.length > 0 {
            return None;
        }
        match at.args.get(self.output) {
            Some(&carry) if self.output < self.carries() => Some(carry),
            _ => Some(at.value.full_like(0.0)),
        }
    }

    fn compound(&self) -> Option<&dyn Compound> {
        Some(self)
    }
}
