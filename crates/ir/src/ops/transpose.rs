//! `transpose`: the axes in another order.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// Axis `i` of the result is axis `order[i]` of the argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transpose {
    /// A permutation of the argument's axes.
    pub order: Shape,
}

impl Rules for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x] if is_permutation(&self.order, x.shape.rank()) => {
                Ok(x.with_shape(self.order.iter().map(|&axis| x.shape[axis]).collect::<Shape>()))
            }
            _ => Err(OpError::new(
                "transpose",
                format!("an argument whose axes {} reorders", self.order),
                args,
            )),
        }
    }

    fn grad<'b>(&self, _: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let mut inverse = vec![0; self.order.len()];
        for (to, &from) in self.order.iter().enumerate() {
            inverse[from] = to;
        }
        Grads::of([cotangent.transpose(&inverse)])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (to, from) = (ty.shape.strides(), args[0].shape().strides());
        args[0].rearranged(&ty.shape, |i| {
            Some((0..to.len()).map(|axis| i / to[axis] % ty.shape[axis] * from[self.order[axis]]).sum())
        })
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().sizes("order", &self.order)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Transpose, String>> {
        (name == "transpose").then(|| Ok(Transpose { order: attributes.get_sizes("order")? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let x = at.args[0];
        let sizes = x.shape();
        // Axes of size 1 may go anywhere: if the others keep their order, nothing moves.
        let moving: Vec<usize> = self.order.iter().copied().filter(|&axis| sizes[axis] != 1).collect();
        if moving.is_sorted() {
            return Some(x.reshape(self.order.iter().map(|&axis| sizes[axis]).collect::<Shape>()));
        }
        let inner = x.node();
        let Op::Transpose(first) = &inner.op else { return None };
        let order: Vec<usize> = self.order.iter().map(|&axis| first.order[axis]).collect();
        Some(x.builder().expr(inner.args[0]).transpose(&order))
    }
}

fn is_permutation(order: &[usize], rank: usize) -> bool {
    order.len() == rank && (0..rank).all(|axis| order.contains(&axis))
}
