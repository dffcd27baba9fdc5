//! `arg_sort`: where the elements stand in sorted order. With `gather`, this is sort and top-k.

use std::cmp::Ordering;

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// The indices, as `i32`, of the first `count` elements along one axis in sorted order.
///
/// Equal elements keep their order, whichever way is sorted; 0 and -0 are equal. NaN counts as larger than every
/// number: it comes last in ascending order and first in descending order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgSort {
    /// Along which axis.
    pub axis: usize,
    /// The largest element first.
    pub descending: bool,
    /// How many are wanted; no more than there are.
    pub count: usize,
}

impl ArgSort {
    /// For every place of the result the index that stands there.
    fn indices<T: PartialOrd>(&self, x: &Tensor, ty: &Type, items: &[T]) -> Vec<i64> {
        let mut indices = vec![0; ty.elements()];
        for (from, to) in x.shape().lines(self.axis).zip(ty.shape.lines(self.axis)) {
            let mut order: Vec<(usize, usize)> = from.enumerate().collect();
            order.sort_by(|a, b| {
                let ascending = compare(&items[a.1], &items[b.1]);
                if self.descending { ascending.reverse() } else { ascending }
            });
            for (place, (index, _)) in to.zip(order) {
                indices[place] = index as i64;
            }
        }
        indices
    }
}

/// The order of two elements, NaN above all.
fn compare<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    let is_nan = |value: &T| value.partial_cmp(value).is_none();
    a.partial_cmp(b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
}

impl Rules for ArgSort {
    fn name(&self) -> &'static str {
        "arg_sort"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let enough = |size: &usize| self.count <= *size && i32::try_from(*size).is_ok();
        match args {
            [x] if x.shape.get(self.axis).is_some_and(enough) => {
                Ok(Type::new(DType::I32, x.shape.with(self.axis, self.count)))
            }
            _ => {
                let need =
                    format!("one argument with {} or more elements along axis {}", self.count, self.axis);
                Err(OpError::new("arg_sort", need, args))
            }
        }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let x = args[0];
        let indices = if x.dtype().is_float() {
            self.indices(x, ty, &x.floats())
        } else {
            self.indices(x, ty, &x.integers())
        };
        Tensor::from_integers(ty, indices)
    }

    fn attributes(&self) -> Attributes {
        let descending = if self.descending { "true" } else { "false" };
        Attributes::default().size("axis", self.axis).word("descending", descending).size("count", self.count)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<ArgSort, String>> {
        (name == "arg_sort").then(|| {
            Ok(ArgSort {
                axis: attributes.get_size("axis")?,
                descending: attributes.get_bool("descending")?,
                count: attributes.get_size("count")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}
