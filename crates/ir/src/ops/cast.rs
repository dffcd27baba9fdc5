//! `cast`: the same numbers in another element type.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// Converts every element. Floats round to nearest even; floats become integers by cutting towards zero and stop at
/// the ends of the range (NaN becomes 0); integers wrap; a bool is 0 or 1, and a number is true unless it is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cast {
    /// The new element type.
    pub dtype: DType,
}

impl Rules for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        if let &[x] = args {
            Ok(x.with_dtype(self.dtype))
        } else {
            Err(OpError::new("cast", "one argument", args))
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let from = at.args[0].dtype();
        if from.is_float() { Grads::of([cotangent.cast(from)]) } else { Grads::none() }
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        if args[0].dtype().is_float() {
            Tensor::from_floats(ty, args[0].floats())
        } else {
            Tensor::from_integers(ty, args[0].integers())
        }
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Cast, String>> {
        (name == "cast").then(|| Ok(Cast { dtype: attributes.stated_dtype()? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        (at.args[0].dtype() == self.dtype).then_some(at.args[0])
    }
}
