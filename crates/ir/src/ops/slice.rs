//! `slice`: a box of elements, or every so-many-th of it.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// On each axis the elements `start`, `start + step`, … below `stop`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first element of each axis.
    pub start: Shape,
    /// Where each axis ends; not below `start`, nor beyond the argument.
    pub stop: Shape,
    /// The distance between elements of each axis; at least 1.
    pub step: Shape,
}

impl Slice {
    /// Number of elements along one axis of the result.
    fn size(&self, axis: usize) -> usize {
        (self.stop[axis] - self.start[axis]).div_ceil(self.step[axis])
    }

    /// Number of the argument's elements from the first one kept to the last, along one axis.
    fn span(&self, axis: usize) -> usize {
        self.size(axis).checked_sub(1).map_or(0, |steps| steps * self.step[axis] + 1)
    }

    fn fits(&self, x: &Shape) -> bool {
        [&self.start, &self.stop, &self.step].iter().all(|sizes| sizes.len() == x.rank())
            && (0..x.rank()).all(|axis| {
                self.step[axis] >= 1 && self.start[axis] <= self.stop[axis] && self.stop[axis] <= x[axis]
            })
    }
}

impl Rules for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x] if self.fits(&x.shape) => {
                Ok(x.with_shape((0..x.shape.rank()).map(|axis| self.size(axis)).collect::<Shape>()))
            }
            _ => {
                let (start, stop, step) = (&self.start, &self.stop, &self.step);
                let need = format!(
                    "start {start} <= stop {stop} <= the argument's sizes, and step {step} of 1 or more"
                );
                Err(OpError::new("slice", need, args))
            }
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let x = at.args[0].shape();
        let high: Vec<usize> =
            (0..x.rank()).map(|axis| x[axis] - self.start[axis] - self.span(axis)).collect();
        let interior: Vec<usize> = self.step.iter().map(|step| step - 1).collect();
        Grads::of([cotangent.pad(cotangent.number(0.0), &self.start, &high, &interior)])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (to, from) = (ty.shape.strides(), args[0].shape().strides());
        let source =
            |i: usize, axis: usize| self.start[axis] + i / to[axis] % ty.shape[axis] * self.step[axis];
        args[0].rearranged(&ty.shape, |i| Some((0..to.len()).map(|axis| source(i, axis) * from[axis]).sum()))
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().sizes("start", &self.start).sizes("stop", &self.stop).sizes("step", &self.step)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Slice, String>> {
        (name == "slice").then(|| {
            Ok(Slice {
                start: attributes.get_sizes("start")?,
                stop: attributes.get_sizes("stop")?,
                step: attributes.get_sizes("step")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    /// The whole is left alone, and a slice of a slice is one slice.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let x = at.args[0];
        if at.value.shape() == x.shape() {
            return Some(x);
        }
        let node = x.node();
        let Op::Slice(first) = &node.op else { return None };
        // Steps beyond the argument's end may be of any size, so the products saturate. Where nothing is left of an
        // axis, the start would lie beyond the argument.
        let start = |axis: usize| {
            let offset = self.start[axis].saturating_mul(first.step[axis]);
            first.start[axis].saturating_add(offset).min(first.stop[axis])
        };
        let step = |axis: usize| first.step[axis].saturating_mul(self.step[axis]);
        let last = |axis: usize| self.size(axis).checked_sub(1).map_or(0, |steps| steps * step(axis) + 1);
        let axes = 0..self.start.len();
        let (start, stop, step): (Vec<usize>, Vec<usize>, Vec<usize>) = (
            axes.clone().map(start).collect(),
            axes.clone().map(|axis| start(axis) + last(axis)).collect(),
            axes.map(step).collect(),
        );
        Some(x.builder().expr(node.args[0]).slice(&start, &stop, &step))
    }
}
