//! `reduce`: many elements into one, along whole axes.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Binary, Constant};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Shape, Type};

/// How elements combine. All four are associative, so a backend may take them in any fixed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// 0 for no elements. Not for `bool`.
    Sum,
    /// 1 for no elements. Not for `bool`.
    Prod,
    /// The lowest value of the type for no elements; NaN if any is. On `bool`: any.
    Max,
    /// The highest value of the type for no elements; NaN if any is. On `bool`: all.
    Min,
}

impl Reduction {
    /// Every way.
    pub const ALL: [Reduction; 4] = [Reduction::Sum, Reduction::Prod, Reduction::Max, Reduction::Min];

    /// The word in the written form.
    pub fn word(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Max => "max",
            Reduction::Min => "min",
        }
    }

    pub(crate) fn parse(word: &str) -> Result<Reduction, String> {
        let found = Reduction::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| format!("`{word}` is no reduction"))
    }

    /// The function of two elements.
    pub fn combine(self) -> Binary {
        match self {
            Reduction::Sum => Binary::Add,
            Reduction::Prod => Binary::Mul,
            Reduction::Max => Binary::Max,
            Reduction::Min => Binary::Min,
        }
    }

    /// The element that changes nothing, as a scalar tensor.
    pub fn identity(self, dtype: DType) -> Tensor {
        let ty = Type::scalar(dtype);
        let (lowest, highest) = match dtype {
            DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            DType::I64 => (i64::MIN, i64::MAX),
            DType::U8 => (0, i64::from(u8::MAX)),
            DType::U32 => (0, i64::from(u32::MAX)),
            DType::Bool => (0, 1),
            DType::F32 | DType::F64 | DType::BF16 | DType::F16 => {
                return Tensor::from_floats(
                    &ty,
                    [match self {
                        Reduction::Sum => 0.0,
                        Reduction::Prod => 1.0,
                        Reduction::Max => f64::NEG_INFINITY,
                        Reduction::Min => f64::INFINITY,
                    }],
                );
            }
        };
        Tensor::from_integers(
            &ty,
            [match self {
                Reduction::Sum => 0,
                Reduction::Prod => 1,
                Reduction::Max => lowest,
                Reduction::Min => highest,
            }],
        )
    }

    pub(crate) fn takes(self, dtype: DType) -> bool {
        match self {
            Reduction::Sum | Reduction::Prod => dtype != DType::Bool,
            Reduction::Max | Reduction::Min => true,
        }
    }
}

/// Combines the elements along `axes`, which disappear from the shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// How.
    pub kind: Reduction,
    /// Along which axes, ascending.
    pub axes: Shape,
}

impl Rules for Reduce {
    fn name(&self) -> &'static str {
        "reduce"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let fits = |x: &Type| {
            self.kind.takes(x.dtype)
                && self.axes.is_sorted_by(|a, b| a < b)
                && self.axes.iter().all(|&axis| axis < x.shape.rank())
        };
        match args {
            [x] if fits(x) => Ok(x.with_shape(x.shape.without(&self.axes))),
            _ => {
                let need = format!("one argument of numbers with the axes {}, ascending", self.axes);
                Err(OpError::new("reduce", need, args))
            }
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let x = at.args[0];
        let shape = x.shape();
        let spread = |value: Expr<'b>| value.broadcast_reduced(&shape, &self.axes);
        Grads::of([match self.kind {
            Reduction::Sum => spread(cotangent),
            Reduction::Prod => spread(cotangent) * product_of_others(x, &self.axes),
            // Equal extremes share the cotangent, as in JAX.
            Reduction::Max | Reduction::Min => {
                let hits = x.eq(spread(at.value)).cast(x.dtype());
                spread(cotangent / hits.sum(&self.axes)) * hits
            }
        }])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (x, combine) = (args[0], self.kind.combine());
        let (from, to) = (x.shape().strides(), ty.shape.strides());
        let kept: Vec<usize> = (0..x.shape().rank()).filter(|axis| !self.axes.contains(axis)).collect();
        let place = |i: usize| -> usize {
            kept.iter().zip(&to).map(|(&axis, stride)| i / from[axis] % x.shape()[axis] * stride).sum()
        };
        let identity = self.kind.identity(ty.dtype);
        if ty.dtype.is_float() {
            let mut out = vec![identity.floats()[0]; ty.elements()];
            for (i, value) in x.floats().into_iter().enumerate() {
                out[place(i)] = combine.on_float(out[place(i)], value);
            }
            Tensor::from_floats(ty, out)
        } else {
            let mut out = vec![identity.integers()[0]; ty.elements()];
            for (i, value) in x.integers().into_iter().enumerate() {
                out[place(i)] = combine.on_integer(out[place(i)], value, ty.dtype);
            }
            Tensor::from_integers(ty, out)
        }
    }

    fn attributes(&self) -> Attributes {
        Attributes::default().word("kind", self.kind.word()).sizes("axes", &self.axes)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Reduce, String>> {
        (name == "reduce").then(|| {
            Ok(Reduce {
                kind: Reduction::parse(attributes.get_word("kind")?)?,
                axes: attributes.get_sizes("axes")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        match self.kind {
            Reduction::Sum | Reduction::Prod => Exactness::Rounding,
            Reduction::Max | Reduction::Min => Exactness::Exact,
        }
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let x = at.args[0];
        let shape = x.shape();
        self.axes.iter().all(|&axis| shape[axis] == 1).then(|| x.squeeze(&self.axes))
    }
}

/// For each element the product of all others along `axes`: what stands before it times what stands after it, so
/// that a zero among the factors does no harm.
fn product_of_others<'b>(x: Expr<'b>, axes: &[usize]) -> Expr<'b> {
    let shape = x.shape();
    let kept: Vec<usize> = (0..shape.rank()).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = kept.iter().chain(axes).copied().collect();
    let (rows, columns) = (
        kept.iter().map(|&axis| shape[axis]).product::<usize>(),
        axes.iter().map(|&axis| shape[axis]).product::<usize>(),
    );
    let flat = x.transpose(&order).reshape([rows, columns]);
    let one = x.builder().apply(Constant(Tensor::from_floats(&Type::scalar(x.dtype()), [1.0])), &[]);
    let shifted = |low: usize, high: usize| flat.pad(one, &[0, low], &[0, high], &[0, 0]);
    let before = shifted(1, 0).slice_axis(1, 0, columns).cumulative(Reduction::Prod, 1, false);
    let after = shifted(0, 1).slice_axis(1, 1, columns + 1).cumulative(Reduction::Prod, 1, true);
    let mut inverse = vec![0; order.len()];
    for (to, &from) in order.iter().enumerate() {
        inverse[from] = to;
    }
    let sizes: Shape = order.iter().map(|&axis| shape[axis]).collect();
    (before * after).reshape(sizes).transpose(&inverse)
}
