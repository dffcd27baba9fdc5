//! `select`: one of two values for each element, by a condition.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// The first value where the condition holds, the second elsewhere. Both are computed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Select;

impl Rules for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [c, x, y] if c.dtype == DType::Bool && x == y && c.shape == x.shape => Ok((*x).clone()),
            _ => Err(OpError::new("select", "a bool and two values of one type, all of one shape", args)),
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (condition, zero) = (at.args[0], cotangent.full_like(0.0));
        Grads::some([None, Some(condition.select(cotangent, zero)), Some(condition.select(zero, cotangent))])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let condition = args[0].integers();
        Tensor::assembled(&args[1..], &ty.shape, |i| Some((usize::from(condition[i] == 0), i)))
    }

    fn parse(name: &str, _: &Attributes) -> Option<Result<Select, String>> {
        (name == "select").then_some(Ok(Select))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        if at.args[1].value() == at.args[2].value() {
            return Some(at.args[1]);
        }
        at.args[0].as_number().map(|condition| if condition != 0.0 { at.args[1] } else { at.args[2] })
    }
}
