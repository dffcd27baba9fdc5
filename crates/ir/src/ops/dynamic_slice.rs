//! `dynamic_slice`: a block of fixed size from a place computed at run time.

use smallvec::SmallVec;

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::ops::Constant;
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Shape, Type};

/// The block of the first argument whose corner the second, an `i32` for each axis, names. A corner from which the
/// block would reach outside is moved to the nearest one from which it does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DynamicSlice {
    /// The block's size on each axis; no more than the argument's.
    pub sizes: Shape,
}

/// Where the block of shape `block` begins in `whole`.
pub(super) fn corner(whole: &Shape, block: &Shape, starts: &Tensor) -> SmallVec<[usize; 4]> {
    let starts = starts.integers().into_iter();
    let room = whole.iter().zip(block.iter()).map(|(whole, block)| whole - block);
    starts.zip(room).map(|(start, room)| usize::try_from(start).unwrap_or(0).min(room)).collect()
}

/// True if a block of shape `block` fits into `whole` and `starts` names a corner of it.
pub(super) fn is_block(whole: &Shape, block: &Shape, starts: &Type) -> bool {
    *starts == Type::new(DType::I32, [whole.rank()])
        && block.rank() == whole.rank()
        && block.iter().zip(whole.iter()).all(|(block, whole)| block <= whole)
}

impl Rules for DynamicSlice {
    fn name(&self) -> &'static str {
        "dynamic_slice"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x, starts] if is_block(&x.shape, &self.sizes, starts) => Ok(x.with_shape(self.sizes.clone())),
            _ => {
                let need =
                    format!("an argument that holds {} and an i32 start for each of its axes", self.sizes);
                Err(OpError::new("dynamic_slice", need, args))
            }
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        Grads::some([Some(at.args[0].full_like(0.0).dynamic_update(cotangent, at.args[1])), None])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let corner = corner(args[0].shape(), &ty.shape, args[1]);
        let (to, from) = (ty.shape.strides(), args[0].shape().strides());
        let along = |i: usize, axis: usize| corner[axis] + i / to[axis] % ty.shape[axis];
        args[0].rearranged(&ty.shape, |i| Some((0..to.len()).map(|axis| along(i, axis) * from[axis]).sum()))
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<DynamicSlice, String>> {
        (name == "dynamic_slice").then(|| Ok(DynamicSlice { sizes: attributes.stated_shape()? }))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    /// The whole is left alone, and a place known beforehand makes a plain slice.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let x = at.args[0];
        if self.sizes == x.shape() {
            return Some(x);
        }
        let Op::Constant(Constant(starts)) = at.args[1].node().op else { return None };
        let start = corner(&x.shape(), &self.sizes, &starts);
        let stop: Vec<usize> =
            start.iter().zip(self.sizes.iter()).map(|(start, size)| start + size).collect();
        Some(x.slice(&start, &stop, &vec![1; start.len()]))
    }
}
