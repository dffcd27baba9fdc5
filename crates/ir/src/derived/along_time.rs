//! Loops along time, written as the formula of one step.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use super::part::{Part, is_free};
use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::ops::{Broadcast, Dot, Scan, stacked_type};
use crate::types::Type;

/// The loop that [`along_time`] writes.
pub struct Loop<'b> {
    /// Number of steps.
    pub length: usize,
    /// From the last index to the first.
    pub reverse: bool,
    /// What the first step gets as carries.
    pub carries: Vec<Expr<'b>>,
    /// What is cut into one slice for each step, along the first axis.
    pub sequences: Vec<Expr<'b>>,
}

/// What one step gives.
pub struct Step<'b> {
    /// The next carries, of the types of the carries.
    pub carries: Vec<Expr<'b>>,
    /// Results of this step.
    pub results: Vec<Expr<'b>>,
}

/// Runs a step for each index of the sequences: the last carries, and the results of all steps, each along a new first
/// axis.
///
/// `step` is given the carries and one slice of each sequence, is called once, and may use whatever stands outside:
/// that is computed once, before the loop. So is, for all steps together, what depends on slices alone, where that
/// is a product or an elementwise function of them.
pub fn along_time<'b>(
    b: &'b Builder,
    of: Loop<'b>,
    step: impl FnOnce(&[Expr<'b>], &[Expr<'b>]) -> Step<'b>,
) -> (Vec<Expr<'b>>, Vec<Expr<'b>>) {
    match try_along_time(b, of, |carries, slices| Ok::<_, Infallible>(step(carries, slices))) {
        Ok(results) => results,
        Err(never) => match never {},
    }
}

/// [`along_time`] with a step that may fail.
pub fn try_along_time<'b, E>(
    b: &'b Builder,
    of: Loop<'b>,
    step: impl FnOnce(&[Expr<'b>], &[Expr<'b>]) -> Result<Step<'b>, E>,
) -> Result<(Vec<Expr<'b>>, Vec<Expr<'b>>), E> {
    // What a step sees are stand-ins: zeros that no rule looks through. What is made of them here is left behind.
    let stand_in = |ty: &Type| b.full(ty, 0.0).detach();
    let carries: Vec<Expr<'b>> = of.carries.iter().map(|carry| stand_in(&carry.ty())).collect();
    let slices: Vec<Expr<'b>> = of
        .sequences
        .iter()
        .map(|sequence| {
            let ty = sequence.ty();
            if ty.shape.first() != Some(&of.length) {
                sequence.fail("scan", format!("sequences of {} steps", of.length));
            }
            stand_in(&ty.with_shape(ty.shape.get(1..).unwrap_or_default()))
        })
        .collect();
    let first = b.len();
    let Step { carries: next, results } = step(&carries, &slices)?;
    if next.len() != of.carries.len() || next.iter().zip(&of.carries).any(|(a, b)| a.ty() != b.ty()) {
        for carry in &of.carries {
            carry.fail("scan", "a step that gives each carry its next value, of the same type");
        }
    }
    if b.check().is_err() {
        // What is built after a mistake is thrown away; but it is built, on values of the types that it expects.
        let stacked = |result: Expr<'b>| b.full(&stacked_type(&result.ty(), of.length), 0.0);
        return Ok((of.carries, results.into_iter().map(stacked).collect()));
    }
    let mut tracing = Tracing::new(b, &of, &carries, &slices, first);
    let outputs: Vec<Expr<'b>> = next.into_iter().chain(results).collect();
    let body = tracing.body(&outputs);
    let scan = Scan {
        body: Arc::new(body),
        length: of.length,
        reverse: of.reverse,
        sequences: tracing.sequences.len(),
        output: 0,
    };
    let args: Vec<Expr<'b>> = [of.carries, tracing.sequences, tracing.invariants].concat();
    let count = carries.len();
    let result = |output: usize| b.apply(scan.with_output(output), &args);
    Ok(((0..count).map(result).collect(), (count..outputs.len()).map(result).collect()))
}

/// What a value inside a step depends on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Nothing of the step.
    Fixed,
    /// Slices, but no carry.
    Sliced,
    /// A carry.
    Carried,
}

/// Finds out what a step does, and what of it can be done outside.
struct Tracing<'b, 's> {
    b: &'b Builder,
    length: usize,
    carries: &'s [Expr<'b>],
    /// The number of the first node of the step, and the kinds of the nodes from there on.
    first: usize,
    kinds: Vec<Kind>,
    /// For slices, and for what is computed from slices for all steps at once: those values.
    stacked: HashMap<Value, Option<Expr<'b>>>,
    slices: HashMap<Value, Expr<'b>>,
    /// What the loop cuts into slices, and what it takes as it is.
    sequences: Vec<Expr<'b>>,
    invariants: Vec<Expr<'b>>,
}

impl<'b, 's> Tracing<'b, 's> {
    fn new(
        b: &'b Builder,
        of: &Loop<'b>,
        carries: &'s [Expr<'b>],
        slices: &[Expr<'b>],
        first: usize,
    ) -> Tracing<'b, 's> {
        let slices: HashMap<Value, Expr<'b>> =
            slices.iter().map(|slice| slice.value()).zip(of.sequences.iter().copied()).collect();
        let mut tracing = Tracing {
            b,
            length: of.length,
            carries,
            first,
            kinds: Vec::new(),
            stacked: HashMap::new(),
            slices,
            sequences: Vec::new(),
            invariants: Vec::new(),
        };
        for index in first..b.len() {
            let kinds = b.node(Value::new(index)).args.iter().map(|&arg| tracing.kind(arg)).max();
            tracing.kinds.push(kinds.unwrap_or(Kind::Fixed));
        }
        tracing
    }

    fn kind(&self, value: Value) -> Kind {
        if self.is_carry(value) {
            return Kind::Carried;
        }
        if self.slices.contains_key(&value) {
            return Kind::Sliced;
        }
        value.index().checked_sub(self.first).map_or(Kind::Fixed, |place| self.kinds[place])
    }

    /// The graph of one step.
    fn body(&mut self, outputs: &[Expr<'b>]) -> Graph {
        let b = self.b;
        let part = Part::new(b, outputs, |value, node| match self.kind(value) {
            Kind::Fixed => is_free(b, value, node),
            Kind::Sliced => !self.is_given(value),
            Kind::Carried => !self.is_carry(value),
        });
        let taken = part.taken.iter().copied().filter(|&value| !self.is_carry(value));
        let (slices, fixed): (Vec<Value>, Vec<Value>) =
            taken.partition(|&value| self.kind(value) == Kind::Sliced);
        for &slice in &slices {
            let sequence = self.stack(slice).expect("only what is given for all steps is taken");
            self.sequences.push(sequence);
        }
        self.invariants.extend(fixed.iter().map(|&value| b.expr(value)));
        let carries: Vec<Value> = self.carries.iter().map(|carry| carry.value()).collect();
        part.graph(b, &[carries, slices, fixed].concat(), self.carries.len(), outputs)
    }

    fn is_carry(&self, value: Value) -> bool {
        self.carries.iter().any(|carry| carry.value() == value)
    }

    /// True if the loop is better given this for all steps. Views cost nothing inside, and would be larger outside.
    fn is_given(&mut self, value: Value) -> bool {
        let is_view = matches!(self.b.node(value).op, Op::Broadcast(_) | Op::Reshape(_) | Op::Slice(_));
        self.slices.contains_key(&value) || (!is_view && self.stack(value).is_some())
    }

    /// The values of all steps, along a new first axis, if they can be computed at once.
    fn stack(&mut self, value: Value) -> Option<Expr<'b>> {
        if let Some(&sequence) = self.slices.get(&value) {
            return Some(sequence);
        }
        if let Some(known) = self.stacked.get(&value) {
            return *known;
        }
        let made = self.stack_node(value);
        self.stacked.insert(value, made);
        made
    }

    fn stack_node(&mut self, value: Value) -> Option<Expr<'b>> {
        let node = self.b.node(value);
        match &node.op {
            Op::Dot(dot) => {
                // Only the left argument may have steps: the result's first axis is then that of the steps.
                let alone = self.kind(node.args[1]) == Kind::Fixed && dot.lhs_batch.is_empty();
                let lhs = self.stack(node.args[0]).filter(|_| alone)?;
                let lhs_contract: Vec<usize> = dot.lhs_contract.iter().map(|axis| axis + 1).collect();
                let dot = Dot::contracting(lhs_contract, dot.rhs_contract.clone());
                Some(lhs.dot(self.b.expr(node.args[1]), dot))
            }
            Op::Conv(_) => {
                // The steps become samples of one batch, and steps again.
                let alone = self.kind(node.args[1]) == Kind::Fixed;
                let x = self.stack(node.args[0]).filter(|_| alone)?;
                let shape = x.shape();
                let samples: Vec<usize> =
                    std::iter::once(shape[0] * shape[1]).chain(shape[2..].iter().copied()).collect();
                let y = self.b.apply(node.op.clone(), &[x.reshape(samples), self.b.expr(node.args[1])]);
                Some(y.reshape(stacked_type(&node.ty, self.length).shape))
            }
            Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select(_) | Op::Cast(_) | Op::Detach(_) => {
                let args: Option<Vec<Expr<'b>>> =
                    node.args.iter().map(|&arg| self.stack_or_repeat(arg)).collect();
                Some(self.b.apply(node.op.clone(), &args?))
            }
            Op::Broadcast(broadcast) => {
                let x = self.stack(node.args[0])?;
                let shape = stacked_type(&node.ty, self.length).shape;
                let axes: Vec<usize> =
                    std::iter::once(0).chain(broadcast.axes.iter().map(|axis| axis + 1)).collect();
                Some(self.b.apply(Broadcast { shape, axes: axes.into() }, &[x]))
            }
            Op::Reshape(_) => {
                Some(self.stack(node.args[0])?.reshape(stacked_type(&node.ty, self.length).shape))
            }
            Op::Transpose(transpose) => {
                let x = self.stack(node.args[0])?;
                let order: Vec<usize> =
                    std::iter::once(0).chain(transpose.order.iter().map(|axis| axis + 1)).collect();
                Some(x.transpose(&order))
            }
            Op::Slice(slice) => {
                let with = |first: usize, rest: &[usize]| -> Vec<usize> {
                    std::iter::once(first).chain(rest.iter().copied()).collect()
                };
                let x = self.stack(node.args[0])?;
                Some(x.slice(&with(0, &slice.start), &with(self.length, &slice.stop), &with(1, &slice.step)))
            }
            // Others stay inside; so do leaves, which are not sliced anyway.
            Op::Input(_)
            | Op::Constant(_)
            | Op::Iota(_)
            | Op::RandomBits(_)
            | Op::Pad(_)
            | Op::Concat(_)
            | Op::Reverse(_)
            | Op::Reduce(_)
            | Op::ArgReduce(_)
            | Op::Cumulative(_)
            | Op::ArgSort(_)
            | Op::Gather(_)
            | Op::Scatter(_)
            | Op::DynamicSlice(_)
            | Op::DynamicUpdate(_)
            | Op::ConvInputGrad(_)
            | Op::ConvKernelGrad(_)
            | Op::Window(_)
            | Op::WindowArgMax(_)
            | Op::WindowSpread(_)
            | Op::Scan(_)
            | Op::Conditional(_) => None,
        }
    }

    fn stack_or_repeat(&mut self, value: Value) -> Option<Expr<'b>> {
        match self.kind(value) {
            Kind::Fixed => {
                let ty = self.b.ty(value);
                let axes: Vec<usize> = (1..=ty.shape.rank()).collect();
                Some(self.b.expr(value).broadcast(stacked_type(&ty, self.length).shape, &axes))
            }
            Kind::Sliced => self.stack(value),
            Kind::Carried => None,
        }
    }
}
