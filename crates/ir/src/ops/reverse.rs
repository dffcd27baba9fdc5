//! `reverse`: the elements in the opposite order along some axes.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// Element `i` of an axis becomes element `size - 1 - i`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reverse {
    /// The axes that turn round, ascending.
    pub axes: Shape,
}

impl Rules for Reverse {
    fn name(&self) -> &'static str {
        "reverse"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let ascending = self.axes.is_sorted_by(|a, b| a < b);
        match args {
            [x] if ascending && self.axes.iter().all(|&axis| axis < x.shape.rank()) => Ok((*x).clone()),
            _ => Err(OpError::new(
                "reverse",
                format!("one argument with the axes {}, ascending", self.axes),
                args,
            )),
        }
    }

    fn grad<'b>(&self, _: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        Grads::of([cotangent.reverse(&self.axes)])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let strides = ty.shape.strides();
        let along = |i: usize, axis: usize| {
            let index = i / strides[axis] % ty.shape[axis];
            if self.axes.contains(&axis) { ty.shape[axis] - 1 - index } else { index }
        };
        args[0].rearranged(&ty.shape, |i| {
            Some((0..strides.len()).map(|axis| along(i, axis) * strides[axis]).sum())
        })
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().sizes("axes", &self.axes)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Reverse, String>> {
        (name == "reverse").then(|| Ok(Reverse { axes: attributes.get_sizes("axes")? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    /// Axes of at most one element do not turn, and an axis turned twice has not turned.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let (x, shape) = (at.args[0], at.value.shape());
        let turning: Vec<usize> = self.axes.iter().copied().filter(|&axis| shape[axis] > 1).collect();
        if turning.is_empty() {
            return Some(x);
        }
        let node = x.node();
        let Op::Reverse(first) = &node.op else {
            return (turning.len() < self.axes.len()).then(|| x.reverse(&turning));
        };
        let once = |axis: &usize| first.axes.contains(axis) != turning.contains(axis);
        let axes: Vec<usize> = (0..shape.rank()).filter(once).collect();
        let inner = x.builder().expr(node.args[0]);
        Some(if axes.is_empty() { inner } else { inner.reverse(&axes) })
    }
}
