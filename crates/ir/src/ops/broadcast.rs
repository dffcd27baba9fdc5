//! `broadcast`: repeats a value along new axes.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// Axis `i` of the argument becomes axis `axes[i]` of the result; along every other axis the value repeats.
/// Costs nothing where an elementwise op reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broadcast {
    /// The result's shape.
    pub shape: Shape,
    /// For each axis of the argument its place in the result, ascending.
    pub axes: Shape,
}

impl Broadcast {
    /// The axes of the result along which the value repeats.
    fn repeated(&self) -> Vec<usize> {
        (0..self.shape.rank()).filter(|axis| !self.axes.contains(axis)).collect()
    }
}

impl Rules for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let fits = |x: &Type| {
            x.shape.rank() == self.axes.len()
                && self.axes.is_sorted_by(|a, b| a < b)
                && self
                    .axes
                    .iter()
                    .zip(x.shape.iter())
                    .all(|(&axis, &size)| self.shape.get(axis) == Some(&size))
        };
        match args {
            [x] if fits(x) => Ok(x.with_shape(self.shape.clone())),
            _ => {
                let (axes, shape) = (&self.axes, &self.shape);
                let need = format!("an argument whose sizes stand on the axes {axes}, ascending, of {shape}");
                Err(OpError::new("broadcast", need, args))
            }
        }
    }

    fn grad<'b>(&self, _: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        Grads::of([cotangent.sum(&self.repeated())])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (to, from) = (ty.shape.strides(), args[0].shape().strides());
        args[0].rearranged(&ty.shape, |i| {
            Some(
                self.axes
                    .iter()
                    .zip(&from)
                    .map(|(&axis, stride)| i / to[axis] % ty.shape[axis] * stride)
                    .sum(),
            )
        })
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().sizes("axes", &self.axes)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Broadcast, String>> {
        (name == "broadcast")
            .then(|| Ok(Broadcast { shape: attributes.stated_shape()?, axes: attributes.get_sizes("axes")? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let x = at.args[0];
        if x.shape().elements() == self.shape.elements() {
            return Some(x.reshape(self.shape.clone()));
        }
        let inner = x.node();
        let Op::Broadcast(first) = &inner.op else { return None };
        let axes: Vec<usize> = first.axes.iter().map(|&axis| self.axes[axis]).collect();
        Some(x.builder().expr(inner.args[0]).broadcast(self.shape.clone(), &axes))
    }
}
