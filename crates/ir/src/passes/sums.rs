//! Sums that follow from others: a factor or sign that all addends have in common goes in front of the sum, where the
//! program has the sum that is left over; and the distances from a mean add up to zero.
//!
//! The gradient of a normalization sums the cotangent to the offset, the cotangent times a factor of each channel to
//! the mean, and the distances from the mean, because the variance depends on it. One of these reads memory.

use std::collections::HashSet;

use super::{rewrite, simplified};
use crate::expr::Expr;
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::ops::{Binary, Broadcast, Reduce, Reduction, Unary};
use crate::types::{DType, Shape};

/// How many factors are taken off one sum.
const MOST_FACTORS: usize = 16;

/// Writes sums in terms of others.
pub fn share_sums(graph: &Graph) -> Graph {
    let sums =
        Sums { graph, known: graph.nodes.iter().filter_map(|node| sum_of(&node.op, &node.args)).collect() };
    rewrite(graph, |builder, node, args| {
        let shared = sum_of(&node.op, &node.args)
            .and_then(|(of, axes)| sums.part(Addend { value: of, expr: args[0] }, axes, MOST_FACTORS));
        // What is added to a sum that turned out to be zero is all that is left.
        shared.unwrap_or_else(|| simplified(builder, node.op.clone(), args))
    })
}

/// What is summed, and along which axes.
fn sum_of<'g>(op: &'g Op, args: &[Value]) -> Option<(Value, &'g Shape)> {
    match op {
        Op::Reduce(Reduce { kind: Reduction::Sum, axes }) => Some((args[0], axes)),
        _ => None,
    }
}

struct Sums<'g> {
    graph: &'g Graph,
    /// The sums that the program has.
    known: HashSet<(Value, &'g Shape)>,
}

/// A value of the graph, and what it is in the new graph.
#[derive(Clone, Copy)]
struct Addend<'b> {
    value: Value,
    expr: Expr<'b>,
}

impl<'g> Sums<'g> {
    /// The sum of `x` without a pass over it, made of the sum of a part of it.
    fn part<'b>(&self, x: Addend<'b>, axes: &Shape, left: usize) -> Option<Expr<'b>> {
        // Narrower types round or overflow where their sums do not.
        if left == 0 || !matches!(x.expr.dtype(), DType::F32 | DType::F64) {
            return None;
        }
        match &self.graph.node(x.value).op {
            Op::Unary(Unary::Neg) => Some(scaled(self.whole(self.arg(x, 0), axes, left - 1)?, |sum| -sum)),
            Op::Binary(Binary::Mul) => {
                let product = |of: usize, factor: usize| {
                    let factor = common(self.arg(x, factor).expr, axes)?;
                    Some(scaled(self.whole(self.arg(x, of), axes, left - 1)?, |sum| sum * factor))
                };
                product(0, 1).or_else(|| product(1, 0))
            }
            Op::Binary(Binary::Div) => {
                let divisor = common(self.arg(x, 1).expr, axes)?;
                Some(scaled(self.whole(self.arg(x, 0), axes, left - 1)?, |sum| sum / divisor))
            }
            Op::Binary(Binary::Sub) if self.is_mean(self.arg(x, 1).value, self.arg(x, 0).value, axes) => {
                let zero = x.expr.number(0.0);
                Some(zero.broadcast_scalar(&x.expr.shape().without(axes)))
            }
            _ => None,
        }
    }

    /// The sum of `x`, if the program has it anyway or it follows from another.
    fn whole<'b>(&self, x: Addend<'b>, axes: &Shape, left: usize) -> Option<Expr<'b>> {
        if self.known.contains(&(x.value, axes)) { Some(x.expr.sum(axes)) } else { self.part(x, axes, left) }
    }

    fn arg<'b>(&self, x: Addend<'b>, index: usize) -> Addend<'b> {
        let value = self.graph.node(x.value).args[index];
        Addend { value, expr: x.expr.builder().expr(x.expr.node().args[index]) }
    }

    /// True if `x` is the mean of `of` along `axes`, repeated along them.
    fn is_mean(&self, x: Value, of: Value, axes: &Shape) -> bool {
        let shape = &self.graph.ty(of).shape;
        let Op::Broadcast(broadcast) = &self.graph.node(x).op else { return false };
        // Every result stands where it came from.
        let is_long = |axis: &usize| shape[*axis] != 1;
        let kept = (0..shape.rank()).filter(|axis| !axes.contains(axis)).filter(is_long);
        if !broadcast.axes.iter().copied().filter(is_long).eq(kept) {
            return false;
        }
        let mean = self.graph.node(self.without_reshapes(self.graph.node(x).args[0]));
        let count = axes.iter().map(|&axis| shape[axis] as f64).product::<f64>();
        let number = || self.number(mean.args[1]);
        let divides = match &mean.op {
            Op::Binary(Binary::Div) => number() == Some(count),
            Op::Binary(Binary::Mul) => number().is_some_and(|number| number * count == 1.0),
            _ => false,
        };
        divides && {
            let total = self.graph.node(self.without_reshapes(mean.args[0]));
            sum_of(&total.op, &total.args) == Some((of, axes))
        }
    }

    /// What a value is but for axes of size 1 that were added or taken away.
    fn without_reshapes(&self, mut value: Value) -> Value {
        let long = |value: Value| self.graph.ty(value).shape.iter().copied().filter(|&size| size != 1);
        while let Op::Reshape(_) = self.graph.node(value).op {
            let inner = self.graph.node(value).args[0];
            if !long(inner).eq(long(value)) {
                break;
            }
            value = inner;
        }
        value
    }

    /// The number that a value has at every place.
    fn number(&self, mut value: Value) -> Option<f64> {
        loop {
            let node = self.graph.node(value);
            match &node.op {
                Op::Broadcast(_) | Op::Reshape(_) => value = node.args[0],
                Op::Constant(constant) if node.ty.elements() == 1 => return Some(constant.0.floats()[0]),
                _ => return None,
            }
        }
    }
}

/// A sum with its factor, unless it is zero.
fn scaled<'b>(sum: Expr<'b>, factor: impl Fn(Expr<'b>) -> Expr<'b>) -> Expr<'b> {
    if sum.as_number() == Some(0.0) { sum } else { factor(sum) }
}

/// A value that is the same along `axes`, without these axes.
fn common<'b>(x: Expr<'b>, axes: &Shape) -> Option<Expr<'b>> {
    let node = x.node();
    let Op::Broadcast(Broadcast { shape, axes: own }) = &node.op else { return None };
    if own.iter().any(|axis| axes.contains(axis)) {
        return None;
    }
    let place = |axis: &usize| axis - axes.iter().filter(|&gone| gone < axis).count();
    let own: Vec<usize> = own.iter().map(place).collect();
    Some(x.builder().expr(node.args[0]).broadcast(shape.without(axes), &own))
}
