//! `dynamic_update`: a value with one block replaced, at a place computed at run time.

use super::dynamic_slice::{corner, is_block};
use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::Type;

/// The first argument with the second written over the block whose corner the third names, moved inside as for
/// [`super::DynamicSlice`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DynamicUpdate;

impl Rules for DynamicUpdate {
    fn name(&self) -> &'static str {
        "dynamic_update"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x, block, starts] if x.dtype == block.dtype && is_block(&x.shape, &block.shape, starts) => {
                Ok((*x).clone())
            }
            _ => {
                let need =
                    "an argument, a block of its type that fits into it, and an i32 start for each axis";
                Err(OpError::new("dynamic_update", need, args))
            }
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (block, starts) = (at.args[1], at.args[2]);
        let around = cotangent.dynamic_update(block.full_like(0.0), starts);
        Grads::some([Some(around), Some(cotangent.dynamic_slice(starts, block.shape())), None])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let block = args[1].shape();
        let corner = corner(&ty.shape, block, args[2]);
        let (whole_strides, block_strides) = (ty.shape.strides(), block.strides());
        let within = |i: usize| -> Option<usize> {
            (0..block.rank()).try_fold(0, |place, axis| {
                let index = (i / whole_strides[axis] % ty.shape[axis]).checked_sub(corner[axis])?;
                (index < block[axis]).then(|| place + index * block_strides[axis])
            })
        };
        Tensor::assembled(&args[..2], &ty.shape, |i| Some(within(i).map_or((0, i), |place| (1, place))))
    }

    fn parse(name: &str, _: &Attributes) -> Option<Result<DynamicUpdate, String>> {
        (name == "dynamic_update").then_some(Ok(DynamicUpdate))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    /// A block as large as the whole leaves nothing of it, and an empty one leaves all.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let (x, block) = (at.args[0], at.args[1]);
        if x.shape() == block.shape() {
            return Some(block);
        }
        (block.shape().elements() == 0).then_some(x)
    }
}
