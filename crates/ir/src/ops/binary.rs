//! Functions of two numbers, applied to pairs of elements.

use super::pad::sum_of_neighbours;
use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// One function of two numbers. Methods and operators of the same names on [`Expr`] say what each computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    /// Whole numbers are cut towards zero; division by zero gives -1 (all bits set), as in XLA.
    Div,
    /// Whole numbers: the remainder by zero is the dividend.
    Rem,
    Pow,
    Max,
    Min,
    Atan2,
    And,
    Or,
    Xor,
    Shl,
    Shr,
}

impl Binary {
    /// Every function of the family.
    pub const ALL: [Binary; 14] = [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Div,
        Binary::Rem,
        Binary::Pow,
        Binary::Max,
        Binary::Min,
        Binary::Atan2,
        Binary::And,
        Binary::Or,
        Binary::Xor,
        Binary::Shl,
        Binary::Shr,
    ];

    /// What element types the function takes, as its error says it.
    fn need(self) -> &'static str {
        match self {
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
                "two numbers of one type and shape"
            }
            Binary::Max | Binary::Min => "two arguments of one type and shape",
            Binary::Pow | Binary::Atan2 => "two floats of one type and shape",
            Binary::And | Binary::Or | Binary::Xor => "two bools or whole numbers of one type and shape",
            Binary::Shl | Binary::Shr => "two whole numbers of one type and shape",
        }
    }

    fn takes(self, dtype: DType) -> bool {
        match self {
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => dtype != DType::Bool,
            Binary::Max | Binary::Min => true,
            Binary::Pow | Binary::Atan2 => dtype.is_float(),
            Binary::And | Binary::Or | Binary::Xor => !dtype.is_float(),
            Binary::Shl | Binary::Shr => dtype.is_integer(),
        }
    }

    /// The function on floats, in double precision.
    pub fn on_float(self, x: f64, y: f64) -> f64 {
        match self {
            Binary::Add => x + y,
            Binary::Sub => x - y,
            Binary::Mul => x * y,
            Binary::Div => x / y,
            Binary::Rem => x % y,
            Binary::Pow => x.powf(y),
            Binary::Max if x.is_nan() || y.is_nan() => f64::NAN,
            Binary::Min if x.is_nan() || y.is_nan() => f64::NAN,
            Binary::Max => x.max(y),
            Binary::Min => x.min(y),
            Binary::Atan2 => x.atan2(y),
            Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => {
                unreachable!("infer admits no floats")
            }
        }
    }

    /// The function on whole numbers, before wrapping to the element type.
    pub fn on_integer(self, x: i64, y: i64, dtype: DType) -> i64 {
        let bits = dtype.bytes() as i64 * 8;
        match self {
            Binary::Add => x.wrapping_add(y),
            Binary::Sub => x.wrapping_sub(y),
            Binary::Mul => x.wrapping_mul(y),
            Binary::Div if y == 0 => -1,
            Binary::Div => x.wrapping_div(y),
            Binary::Rem if y == 0 => x,
            Binary::Rem => x.wrapping_rem(y),
            Binary::Max => x.max(y),
            Binary::Min => x.min(y),
            Binary::And => x & y,
            Binary::Or => x | y,
            Binary::Xor => x ^ y,
            Binary::Shl => {
                if (0..bits).contains(&y) {
                    x << y
                } else {
                    0
                }
            }
            Binary::Shr => x >> if (0..bits).contains(&y) { y } else { 63 },
            Binary::Pow | Binary::Atan2 => unreachable!("infer admits floats only"),
        }
    }
}

impl Rules for Binary {
    fn name(&self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Rem => "rem",
            Binary::Pow => "pow",
            Binary::Max => "max",
            Binary::Min => "min",
            Binary::Atan2 => "atan2",
            Binary::And => "and",
            Binary::Or => "or",
            Binary::Xor => "xor",
            Binary::Shl => "shl",
            Binary::Shr => "shr",
        }
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x, y] if x == y && self.takes(x.dtype) => Ok((*x).clone()),
            _ => Err(OpError::new(self.name(), self.need(), args)),
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (x, y, out, ct) = (at.args[0], at.args[1], at.value, cotangent);
        let zero = ct.full_like(0.0);
        Grads::of(match self {
            Binary::Add => [ct, ct],
            Binary::Sub => [ct, -ct],
            // A square has one argument, which gets all at once.
            Binary::Mul if x.value() == y.value() => return Grads::some([Some(ct * x * 2.0), None]),
            Binary::Mul => [ct * y, ct * x],
            Binary::Div => [ct / y, -(ct * out / y)],
            Binary::Rem => {
                let quotient = x / y;
                let whole = quotient.lt(zero).select(quotient.ceil(), quotient.floor());
                [ct, -(ct * whole)]
            }
            Binary::Pow => {
                // 0^y has the derivative 0 with respect to y, where ln 0 would make it NaN.
                let ln_x = x.eq(zero).select(zero, x.log());
                // y·x^(y-1) with y = 0 is 0, also where x^(y-1) is infinite.
                let dx = y.eq(zero).select(zero, ct * y * x.pow(y - 1.0));
                [dx, ct * out * ln_x]
            }
            // Told from the result, so that a backward pass keeps that alone. Of equal arguments the second is it.
            Binary::Max => {
                let first = out.gt(y);
                [first.select(ct, zero), first.select(zero, ct)]
            }
            Binary::Min => {
                let first = out.lt(y);
                [first.select(ct, zero), first.select(zero, ct)]
            }
            Binary::Atan2 => {
                let norm = x.square() + y.square();
                [ct * y / norm, -(ct * x / norm)]
            }
            Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => return Grads::none(),
        })
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        if ty.dtype.is_float() {
            let pairs = args[0].floats().into_iter().zip(args[1].floats());
            Tensor::from_floats(ty, pairs.map(|(x, y)| self.on_float(x, y)))
        } else {
            let pairs = args[0].integers().into_iter().zip(args[1].integers());
            Tensor::from_integers(ty, pairs.map(|(x, y)| self.on_integer(x, y, ty.dtype)))
        }
    }

    fn parse(name: &str, _: &Attributes) -> Option<Result<Binary, String>> {
        Binary::ALL.into_iter().find(|op| op.name() == name).map(Ok)
    }

    fn exactness(&self) -> Exactness {
        match self {
            // A product whose sum follows may be contracted into one rounding.
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => Exactness::Rounding,
            Binary::Pow | Binary::Atan2 => Exactness::Rounding,
            Binary::Max | Binary::Min | Binary::And | Binary::Or | Binary::Xor => Exactness::Exact,
            Binary::Shl | Binary::Shr => Exactness::Exact,
        }
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let (x, y) = (at.args[0], at.args[1]);
        let (left, right) = (x.as_number(), y.as_number());
        match self {
            // x + 0 is x but for -0 + 0; that sign is given up, as every compiler of tensors does.
            Binary::Add if right == Some(0.0) => Some(x),
            Binary::Add if left == Some(0.0) => Some(y),
            Binary::Sub if right == Some(0.0) => Some(x),
            Binary::Sub if left == Some(0.0) => Some(-y),
            Binary::Mul | Binary::Div if right == Some(1.0) => Some(x),
            Binary::Mul if left == Some(1.0) => Some(y),
            Binary::Mul | Binary::Div if right == Some(-1.0) => Some(-x),
            Binary::Mul if left == Some(-1.0) => Some(-y),
            Binary::Div if x.dtype().is_float() => {
                right.filter(|&y| reciprocal_is_exact(y)).map(|y| x * (1.0 / y))
            }
            Binary::Pow if right == Some(1.0) => Some(x),
            Binary::Pow if right == Some(2.0) => Some(x.square()),
            Binary::Add => sum_of_neighbours(x, y),
            Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem | Binary::Pow | Binary::Max => None,
            Binary::Min
            | Binary::Atan2
            | Binary::And
            | Binary::Or
            | Binary::Xor
            | Binary::Shl
            | Binary::Shr => None,
        }
    }
}

/// True for powers of two: multiplying by 1/x rounds as dividing by x does.
fn reciprocal_is_exact(x: f64) -> bool {
    let mantissa = x.to_bits() & ((1 << 52) - 1);
    (1e-30..1e30).contains(&x.abs()) && mantissa == 0
}
