//! `detach`: the same value, taken as a constant by the gradient.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::Type;

/// Keras's `stop_gradient`. Nothing is left of it after the passes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Detach;

impl Rules for Detach {
    fn name(&self) -> &'static str {
        "detach"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        if let &[x] = args { Ok(x.clone()) } else { Err(OpError::new("detach", "one argument", args)) }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, args: &[&Tensor], _: &Type) -> Tensor {
        args[0].clone()
    }

    fn parse(name: &str, _: &Attributes) -> Option<Result<Detach, String>> {
        (name == "detach").then_some(Ok(Detach))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        Some(at.args[0])
    }
}
