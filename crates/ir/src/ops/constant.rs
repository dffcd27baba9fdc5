//! `constant`: a value fixed when the program is built.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::text::literal;
use crate::types::Type;

/// A fixed tensor. Written with its elements: `constant {value="1 2 3"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constant(pub Tensor);

impl Rules for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        if args.is_empty() { Ok(self.0.ty()) } else { Err(OpError::new("constant", "no arguments", args)) }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, _: &[&Tensor], _: &Type) -> Tensor {
        self.0.clone()
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().text("value", &literal::print(&self.0))
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Constant, String>> {
        (name == "constant")
            .then(|| Ok(Constant(literal::parse(&attributes.stated_type()?, attributes.get_text("value")?)?)))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}
