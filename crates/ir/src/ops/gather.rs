//! `gather`: rows picked by indices computed at run time.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Scatter, ScatterKind};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// Replaces one axis of the operand by the axes of a tensor of indices into it: TensorFlow's `gather`.
///
/// The first `batch` axes of both arguments are paired. The result's axes: the operand's before `axis`, the indices'
/// after the paired ones, the operand's after `axis`. An index outside the axis reads zeros, so a gather is the
/// product of one-hot indices with the operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// The axis of the operand that indices point into.
    pub axis: usize,
    /// How many leading axes are paired; no more than `axis`.
    pub batch: usize,
}

impl Gather {
    /// The shape of what is gathered; `None` when the arguments do not fit together.
    pub(crate) fn picked(&self, operand: &Shape, indices: &Type) -> Option<Shape> {
        let fits = self.axis < operand.rank()
            && self.batch <= self.axis
            && indices.dtype.is_integer()
            && indices.shape.get(..self.batch) == Some(&operand[..self.batch]);
        fits.then(|| {
            let (before, after) = (&operand[..self.axis], &operand[self.axis + 1..]);
            before.iter().chain(&indices.shape[self.batch..]).chain(after).copied().collect()
        })
    }

    /// For every element of what is gathered its place in the operand; `None` where the index is out of range.
    ///
    /// The elements are walked as `[batch, middle, pick, inner]`: paired axes, the operand's others before `axis`,
    /// the indices' others, the operand's after `axis`.
    pub(crate) fn places(
        &self,
        operand: &Shape,
        indices: &Tensor,
    ) -> impl Fn(usize) -> Option<usize> + use<> {
        let middle: usize = operand[self.batch..self.axis].iter().product();
        let picks: usize = indices.shape()[self.batch..].iter().product();
        let inner: usize = operand[self.axis + 1..].iter().product();
        let size = operand[self.axis];
        let indices = indices.integers();
        move |i| {
            let (row, pick, rest) = (i / inner / picks, i / inner % picks, i % inner);
            let index = usize::try_from(indices[row / middle * picks + pick]).ok();
            index.filter(|&index| index < size).map(|index| (row * size + index) * inner + rest)
        }
    }
}

impl Rules for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let picked = match args {
            [operand, indices] => self.picked(&operand.shape, indices).map(|shape| operand.with_shape(shape)),
            _ => None,
        };
        picked.ok_or_else(|| {
            let paired = match self.batch {
                0 => String::new(),
                batch => format!(", which agree on the first {batch} axes, before that one"),
            };
            let need = format!("an operand with axis {} and whole-number indices{paired}", self.axis);
            OpError::new("gather", need, args)
        })
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (operand, indices) = (at.args[0], at.args[1]);
        let add = Scatter { axis: self.axis, batch: self.batch, kind: ScatterKind::Add };
        Grads::some([Some(operand.full_like(0.0).scatter(indices, cotangent, add)), None])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        args[0].rearranged(&ty.shape, self.places(args[0].shape(), args[1]))
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().size("axis", self.axis).size("batch", self.batch)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Gather, String>> {
        (name == "gather")
            .then(|| Ok(Gather { axis: attributes.get_size("axis")?, batch: attributes.get_size("batch")? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}
