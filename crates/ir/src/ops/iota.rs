//! `iota`: each element's own coordinate along one axis.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// 0, 1, 2, … along `axis`, the same along the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Iota {
    /// Type of the result; not `bool`.
    pub ty: Type,
    /// The axis that counts.
    pub axis: usize,
}

impl Rules for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        if !args.is_empty() || self.axis >= self.ty.shape.rank() || self.ty.dtype == DType::Bool {
            let need =
                format!("no arguments, and a type of numbers with axis {}, not {}", self.axis, self.ty);
            return Err(OpError::new("iota", need, args));
        }
        Ok(self.ty.clone())
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, _: &[&Tensor], ty: &Type) -> Tensor {
        let (stride, size) = (ty.shape.strides()[self.axis], ty.shape[self.axis]);
        Tensor::from_integers(ty, (0..ty.elements()).map(|i| (i / stride % size) as i64))
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().size("axis", self.axis)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Iota, String>> {
        (name == "iota")
            .then(|| Ok(Iota { ty: attributes.stated_type()?, axis: attributes.get_size("axis")? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}
