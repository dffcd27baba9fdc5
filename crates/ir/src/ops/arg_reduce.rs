//! `arg_reduce`: where the largest or smallest element stands.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// Which element is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgReduction {
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

impl ArgReduction {
    /// The word in the written form.
    pub fn word(self) -> &'static str {
        match self {
            ArgReduction::Max => "max",
            ArgReduction::Min => "min",
        }
    }

    /// True if `x` is chosen although `best` stands before it. NaN, the only value unequal to itself, beats all else.
    pub(crate) fn beats<T: PartialOrd>(self, x: &T, best: &T) -> bool {
        let is_nan = |value: &T| value.partial_cmp(value).is_none();
        let beyond = match self {
            ArgReduction::Max => x > best,
            ArgReduction::Min => x < best,
        };
        beyond || (is_nan(x) && !is_nan(best))
    }
}

/// The index, as `i32`, of the largest or smallest element along one axis, which disappears.
///
/// The first of equal elements is chosen (0 and -0 are equal), and the first NaN before any number, as in NumPy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgReduce {
    /// Which element.
    pub kind: ArgReduction,
    /// Along which axis, of at least one element.
    pub axis: usize,
}

impl ArgReduce {
    fn indices<T: PartialOrd>(&self, x: &Tensor, items: &[T]) -> Vec<i64> {
        let lines = x.shape().lines(self.axis);
        let best = lines.map(|line| {
            let first_best = line.enumerate().reduce(|best, next| {
                if self.kind.beats(&items[next.1], &items[best.1]) { next } else { best }
            });
            first_best.map_or(0, |(index, _)| index as i64)
        });
        best.collect()
    }
}

impl Rules for ArgReduce {
    fn name(&self) -> &'static str {
        "arg_reduce"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let indexable = |size: &usize| *size > 0 && i32::try_from(*size).is_ok();
        match args {
            [x] if x.shape.get(self.axis).is_some_and(indexable) => {
                Ok(Type::new(DType::I32, x.shape.without(&[self.axis])))
            }
            _ => Err(OpError::new(
                "arg_reduce",
                format!("one argument with elements along axis {}", self.axis),
                args,
            )),
        }
    }

    fn grad<'b>(&self, _: &At<'b>, _: Expr<'b>) -> Grads<'b> {
        Grads::none()
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let x = args[0];
        let indices =
            if x.dtype().is_float() { self.indices(x, &x.floats()) } else { self.indices(x, &x.integers()) };
        Tensor::from_integers(ty, indices)
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().word("kind", self.kind.word()).size("axis", self.axis)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<ArgReduce, String>> {
        (name == "arg_reduce").then(|| {
            let kind = match attributes.get_word("kind")? {
                "max" => ArgReduction::Max,
                "min" => ArgReduction::Min,
                other => return Err(format!("`kind` must be max or min, not {other}")),
            };
            Ok(ArgReduce { kind, axis: attributes.get_size("axis")? })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }
}
