//! What an invariant of a loop receives in all: the sum of what it receives at each step.
//!
//! Where that is a product or a sum along axes, its operands are kept for all steps, and one product or sum over time
//! and batch follows the loop. Only what is neither is summed up step by step.

use std::collections::BTreeMap;

use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::Value;
use crate::op::Op;
use crate::ops::{Binary, Broadcast, Cast, Dot, Pad, Reduce, Reduction, Reshape, Slice, Transpose, Unary};
use crate::types::Shape;

/// Where a loop leaves a value of each step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    /// It is an input of the body, by its number.
    Input(usize),
    /// The so-and-so-many-th value that the body gives for totals.
    Output(usize),
}

/// How a sum over all steps is made.
pub(super) enum Total {
    /// Step by step: the so-and-so-many-th sum.
    Sum(usize),
    /// Two of them.
    Added(Box<Total>, Box<Total>),
    /// A linear op of one, with the type of its result.
    Through(Op, Box<Total>),
    /// A product over time.
    Dot(Dot, Slot, Slot),
    /// The gradient of a convolution's kernel, where the steps are samples of one batch.
    Kernel(Op, Slot, Slot),
    /// A sum over time and axes.
    Reduced(Vec<usize>, Slot),
}

/// Finds out how sums over all steps can be made.
pub(super) struct Totals<'i> {
    inside: &'i Builder,
    instead: &'i BTreeMap<Value, Value>,
    /// By node: whether its value is another one at each step.
    varies: Vec<bool>,
    /// The inputs that something outside has for all steps.
    inputs: &'i [Value],
    /// What is summed up step by step.
    pub(super) sums: Vec<Expr<'i>>,
    /// What is kept of each step.
    pub(super) stacked: Vec<Expr<'i>>,
}

impl<'i> Totals<'i> {
    /// In the body that `inside` holds, whose inputs `varying` are other values at each step, the first `carries` of
    /// them carries, and where some values are replaced.
    pub(super) fn new(
        inside: &'i Builder,
        instead: &'i BTreeMap<Value, Value>,
        varying: &'i [Value],
        carries: usize,
    ) -> Totals<'i> {
        let mut varies = vec![false; inside.len()];
        varying.iter().for_each(|input| varies[input.index()] = true);
        for index in 0..varies.len() {
            varies[index] |= inside.node(Value::new(index)).args.iter().any(|arg| varies[arg.index()]);
        }
        Totals { inside, instead, varies, inputs: &varying[carries..], sums: Vec::new(), stacked: Vec::new() }
    }

    /// The sum of `term` over all steps.
    pub(super) fn total(&mut self, term: Expr<'i>) -> Total {
        if !self.contracts(term) {
            self.sums.push(term);
            return Total::Sum(self.sums.len() - 1);
        }
        let node = term.node();
        let arg = |place: usize| self.inside.expr(node.args[place]);
        match &node.op {
            Op::Binary(Binary::Add) => {
                let (a, b) = (arg(0), arg(1));
                Total::Added(Box::new(self.total(a)), Box::new(self.total(b)))
            }
            Op::Dot(dot) => {
                let (lhs, rhs) = (arg(0), arg(1));
                Total::Dot(dot.clone(), self.slot(lhs), self.slot(rhs))
            }
            Op::ConvKernelGrad(_) => {
                let (input, result) = (arg(0), arg(1));
                Total::Kernel(node.op.clone(), self.slot(input), self.slot(result))
            }
            Op::Reduce(reduce) => {
                let of = arg(0);
                Total::Reduced(reduce.axes.to_vec(), self.slot(of))
            }
            op => {
                let of = arg(0);
                Total::Through(op.clone(), Box::new(self.total(of)))
            }
        }
    }

    /// True if there are products or sums in a value that ops around them let through.
    fn contracts(&self, term: Expr<'i>) -> bool {
        let node = term.node();
        let arg = |place: usize| self.inside.expr(node.args[place]);
        let varies = |place: usize| self.varies[node.args[place].index()];
        match &node.op {
            Op::Binary(Binary::Add) => self.contracts(arg(0)) || self.contracts(arg(1)),
            Op::Dot(_) | Op::ConvKernelGrad(_) => varies(0) && varies(1),
            Op::Reduce(Reduce { kind: Reduction::Sum, .. }) => varies(0),
            Op::Unary(Unary::Neg)
            | Op::Reshape(Reshape { .. })
            | Op::Transpose(Transpose { .. })
            | Op::Broadcast(Broadcast { .. })
            | Op::Slice(Slice { .. }) => self.contracts(arg(0)),
            Op::Cast(Cast { .. }) => arg(0).dtype().is_float() && self.contracts(arg(0)),
            Op::Pad(Pad { .. }) => arg(1).as_number() == Some(0.0) && self.contracts(arg(0)),
            Op::Input(_)
            | Op::Constant(_)
            | Op::Iota(_)
            | Op::RandomBits(_)
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Select(_)
            | Op::Detach(_)
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
            | Op::Conv(_)
            | Op::ConvInputGrad(_)
            | Op::Window(_)
            | Op::WindowArgMax(_)
            | Op::WindowSpread(_)
            | Op::Scan(_)
            | Op::Conditional(_) => false,
        }
    }

    fn slot(&mut self, of: Expr<'i>) -> Slot {
        let value = self.instead.get(&of.value()).copied().unwrap_or(of.value());
        // The inputs of the body are its first nodes.
        if self.inputs.contains(&value) {
            return Slot::Input(value.index());
        }
        let known = self.stacked.iter().position(|stacked| stacked.value() == value);
        Slot::Output(known.unwrap_or_else(|| {
            self.stacked.push(self.inside.expr(value));
            self.stacked.len() - 1
        }))
    }
}

impl Total {
    /// The inputs of the body that it is made of.
    pub(super) fn inputs(&self, into: &mut Vec<usize>) {
        let mut add = |slot: &Slot| {
            if let Slot::Input(number) = slot {
                into.push(*number);
            }
        };
        match self {
            Total::Sum(_) => {}
            Total::Dot(_, lhs, rhs) | Total::Kernel(_, lhs, rhs) => [lhs, rhs].into_iter().for_each(add),
            Total::Reduced(_, of) => add(of),
            Total::Through(_, of) => of.inputs(into),
            Total::Added(a, b) => {
                a.inputs(into);
                b.inputs(into);
            }
        }
    }

    /// Writes it, after the loop.
    pub(super) fn write<'b>(
        &self,
        sum: &impl Fn(usize) -> Expr<'b>,
        stacked: &impl Fn(Slot) -> Expr<'b>,
    ) -> Expr<'b> {
        let later = |axes: &[usize]| -> Vec<usize> { axes.iter().map(|axis| axis + 1).collect() };
        let with_time = |axes: &[usize]| [vec![0], later(axes)].concat();
        match self {
            Total::Sum(place) => sum(*place),
            Total::Added(a, b) => a.write(sum, stacked) + b.write(sum, stacked),
            Total::Reduced(axes, of) => stacked(*of).sum(&with_time(axes)),
            Total::Dot(dot, lhs, rhs) => {
                let over = Dot::contracting(with_time(&dot.lhs_contract), with_time(&dot.rhs_contract))
                    .batched(later(&dot.lhs_batch), later(&dot.rhs_batch));
                stacked(*lhs).dot(stacked(*rhs), over)
            }
            Total::Kernel(op, input, result) => {
                let samples = |slot: Slot| {
                    let x = stacked(slot);
                    let shape = x.shape();
                    let joined = std::iter::once(shape[0] * shape[1]).chain(shape[2..].iter().copied());
                    x.reshape(joined.collect::<Shape>())
                };
                let (input, result) = (samples(*input), samples(*result));
                input.builder().apply(op.clone(), &[input, result])
            }
            Total::Through(op, of) => {
                let of = of.write(sum, stacked);
                let b = of.builder();
                match op {
                    Op::Pad(_) => b.apply(op.clone(), &[of, of.number(0.0)]),
                    op => b.apply(op.clone(), &[of]),
                }
            }
        }
    }
}
