//! `input`: a value that is given when the program runs.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::Type;

/// The `number`-th argument of the program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// Its place in [`crate::Graph::inputs`].
    pub number: usize,
    /// For people who read the graph: `dense/kernel`.
    pub name: Box<str>,
    /// What is given.
    pub ty: Type,
}

impl Rules for Input {
    fn name(&self) -> &'static str {
        "input"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        if args.is_empty() { Ok(self.ty.clone()) } else { Err(OpError::new("input", "no arguments", args)) }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, _: &[&Tensor], _: &Type) -> Tensor {
        unreachable!("the evaluator takes the values of inputs from its caller")
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().size("number", self.number).text("name", &self.name)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Input, String>> {
        (name == "input").then(|| {
            let name = attributes.get_text("name")?.into();
            Ok(Input { number: attributes.get_size("number")?, name, ty: attributes.stated_type()? })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}
