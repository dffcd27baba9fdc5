//! `concat`: values one after another along one axis.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::Type;

/// Joins one or more values that agree on every other axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis that grows.
    pub axis: usize,
}

impl Concat {
    fn fits(&self, first: &Type, part: &Type) -> bool {
        first.dtype == part.dtype
            && first.shape.rank() == part.shape.rank()
            && (0..first.shape.rank()).all(|axis| axis == self.axis || first.shape[axis] == part.shape[axis])
    }
}

impl Rules for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [first, ..]
                if self.axis < first.shape.rank() && args.iter().all(|part| self.fits(first, part)) =>
            {
                let size = args.iter().fold(0usize, |sum, part| sum.saturating_add(part.shape[self.axis]));
                Ok(first.with_shape(first.shape.with(self.axis, size)))
            }
            _ => {
                let need = format!("arguments of one type, with equal sizes on every axis but {}", self.axis);
                Err(OpError::new("concat", need, args))
            }
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let mut start = 0;
        let parts = at.args.iter().map(|part| {
            let stop = start + part.shape()[self.axis];
            Some(cotangent.slice_axis(self.axis, std::mem::replace(&mut start, stop), stop))
        });
        Grads::Each(parts.collect())
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let inner = ty.shape.strides()[self.axis];
        let size = ty.shape[self.axis];
        Tensor::assembled(args, &ty.shape, |i| {
            let (outer, mut along, rest) = (i / inner / size, i / inner % size, i % inner);
            for (number, part) in args.iter().enumerate() {
                let own = part.shape()[self.axis];
                if along < own {
                    return Some((number, (outer * own + along) * inner + rest));
                }
                along -= own;
            }
            unreachable!("the result is as long as its parts together")
        })
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().size("axis", self.axis)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Concat, String>> {
        (name == "concat").then(|| Ok(Concat { axis: attributes.get_size("axis")? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    /// Parts without elements are left out.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let full: Vec<Expr<'b>> =
            at.args.iter().copied().filter(|part| part.shape()[self.axis] > 0).collect();
        match full.as_slice() {
            [] => Some(at.args[0]),
            [only] => Some(*only),
            parts if parts.len() < at.args.len() => Some(Expr::concat(parts, self.axis)),
            parts => self.flat(parts),
        }
    }
}

impl Concat {
    /// Parts of parts side by side.
    fn flat<'b>(&self, parts: &[Expr<'b>]) -> Option<Expr<'b>> {
        let inner = |part: &Expr<'b>| {
            let node = part.node();
            matches!(&node.op, Op::Concat(inner) if inner.axis == self.axis).then_some(node.args)
        };
        if !parts.iter().any(|part| inner(part).is_some()) {
            return None;
        }
        let flat = parts.iter().flat_map(|part| match inner(part) {
            Some(args) => args.iter().map(|&arg| part.builder().expr(arg)).collect(),
            None => vec![*part],
        });
        Some(Expr::concat(&flat.collect::<Vec<_>>(), self.axis))
    }
}
