//! `reshape`: the same elements in row-major order under another shape.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// Costs nothing: a plan reads the same memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The new shape, of as many elements.
    pub shape: Shape,
}

impl Rules for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x] if x.elements() == self.shape.elements() => Ok(x.with_shape(self.shape.clone())),
            _ => Err(OpError::new("reshape", format!("as many elements as {} has", self.shape), args)),
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        Grads::of([cotangent.reshape(at.args[0].shape())])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        args[0].rearranged(&ty.shape, Some)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Reshape, String>> {
        (name == "reshape").then(|| Ok(Reshape { shape: attributes.stated_shape()? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let x = at.args[0];
        if x.shape() == self.shape {
            return Some(x);
        }
        let inner = x.node();
        let from = inner.args.first().map(|&arg| x.builder().expr(arg));
        match (&inner.op, from) {
            (Op::Reshape(_), Some(from)) => Some(from.reshape(self.shape.clone())),
            // A repeated number has whatever shape is wanted.
            (Op::Broadcast(_), Some(number)) if number.rank() == 0 && self.shape.elements() != 1 => {
                Some(number.broadcast_scalar(&self.shape))
            }
            _ => None,
        }
    }
}
