//! Comparisons of pairs of elements.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// A relation; NaN stands in none of them but `ne`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Compare {
    /// Every relation.
    pub const ALL: [Compare; 6] =
        [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge];

    fn holds<T: PartialOrd>(self, x: T, y: T) -> bool {
        match self {
            Compare::Eq => x == y,
            Compare::Ne => x != y,
            Compare::Lt => x < y,
            Compare::Le => x <= y,
            Compare::Gt => x > y,
            Compare::Ge => x >= y,
        }
    }
}

impl Rules for Compare {
    fn name(&self) -> &'static str {
        match self {
            Compare::Eq => "eq",
            Compare::Ne => "ne",
            Compare::Lt => "lt",
            Compare::Le => "le",
            Compare::Gt => "gt",
            Compare::Ge => "ge",
        }
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x, y] if x == y => Ok(x.with_dtype(DType::Bool)),
            _ => Err(OpError::new(self.name(), "two arguments of one type and shape", args)),
        }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let holds: Vec<bool> = if args[0].dtype().is_float() {
            args[0].floats().into_iter().zip(args[1].floats()).map(|(x, y)| self.holds(x, y)).collect()
        } else {
            args[0].integers().into_iter().zip(args[1].integers()).map(|(x, y)| self.holds(x, y)).collect()
        };
        Tensor::from_integers(ty, holds.into_iter().map(i64::from))
    }

    fn parse(name: &str, _: &Attributes) -> Option<Result<Compare, String>> {
        Compare::ALL.into_iter().find(|op| op.name() == name).map(Ok)
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}
