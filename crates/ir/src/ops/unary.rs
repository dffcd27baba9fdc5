//! Functions of one number, applied to every element.

use std::f64::consts::PI;

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// One function of one number. Methods of the same names on [`Expr`] say what each computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Unary {
    Neg,
    Abs,
    Sign,
    Exp,
    Expm1,
    Log,
    Log1p,
    Sqrt,
    Rsqrt,
    Sin,
    Cos,
    Tanh,
    Logistic,
    Erf,
    ErfInv,
    Floor,
    Ceil,
    Round,
    Not,
}

impl Unary {
    /// Every function of the family.
    pub const ALL: [Unary; 19] = [
        Unary::Neg,
        Unary::Abs,
        Unary::Sign,
        Unary::Exp,
        Unary::Expm1,
        Unary::Log,
        Unary::Log1p,
        Unary::Sqrt,
        Unary::Rsqrt,
        Unary::Sin,
        Unary::Cos,
        Unary::Tanh,
        Unary::Logistic,
        Unary::Erf,
        Unary::ErfInv,
        Unary::Floor,
        Unary::Ceil,
        Unary::Round,
        Unary::Not,
    ];

    /// True if the function takes elements of this type.
    fn takes(self, dtype: DType) -> bool {
        match self {
            Unary::Neg | Unary::Abs | Unary::Sign => dtype.is_float() || dtype.is_integer(),
            Unary::Not => !dtype.is_float(),
            Unary::Exp | Unary::Expm1 | Unary::Log | Unary::Log1p | Unary::Sqrt | Unary::Rsqrt => {
                dtype.is_float()
            }
            Unary::Sin | Unary::Cos | Unary::Tanh | Unary::Logistic | Unary::Erf | Unary::ErfInv => {
                dtype.is_float()
            }
            Unary::Floor | Unary::Ceil | Unary::Round => dtype.is_float(),
        }
    }

    /// The function on floats, in double precision.
    pub fn on_float(self, x: f64) -> f64 {
        match self {
            Unary::Neg => -x,
            Unary::Abs => x.abs(),
            Unary::Sign => {
                if x == 0.0 || x.is_nan() {
                    x
                } else {
                    x.signum()
                }
            }
            Unary::Exp => x.exp(),
            Unary::Expm1 => x.exp_m1(),
            Unary::Log => x.ln(),
            Unary::Log1p => x.ln_1p(),
            Unary::Sqrt => x.sqrt(),
            Unary::Rsqrt => 1.0 / x.sqrt(),
            Unary::Sin => x.sin(),
            Unary::Cos => x.cos(),
            Unary::Tanh => x.tanh(),
            Unary::Logistic => 1.0 / (1.0 + (-x).exp()),
            Unary::Erf => libm::erf(x),
            Unary::ErfInv => erf_inv(x),
            Unary::Floor => x.floor(),
            Unary::Ceil => x.ceil(),
            Unary::Round => x.round_ties_even(),
            Unary::Not => unreachable!("`not` takes no floats"),
        }
    }

    /// The function on whole numbers, before wrapping to the element type.
    fn on_integer(self, x: i64, dtype: DType) -> i64 {
        match self {
            Unary::Neg => x.wrapping_neg(),
            Unary::Abs => x.wrapping_abs(),
            Unary::Sign => x.signum(),
            Unary::Not if dtype == DType::Bool => 1 - x,
            Unary::Not => !x,
            Unary::Exp
            | Unary::Expm1
            | Unary::Log
            | Unary::Log1p
            | Unary::Sqrt
            | Unary::Rsqrt
            | Unary::Sin => {
                unreachable!("infer admits floats only")
            }
            Unary::Cos | Unary::Tanh | Unary::Logistic | Unary::Erf | Unary::ErfInv => {
                unreachable!("infer admits floats only")
            }
            Unary::Floor | Unary::Ceil | Unary::Round => unreachable!("infer admits floats only"),
        }
    }
}

impl Rules for Unary {
    fn name(&self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Exp => "exp",
            Unary::Expm1 => "expm1",
            Unary::Log => "log",
            Unary::Log1p => "log1p",
            Unary::Sqrt => "sqrt",
            Unary::Rsqrt => "rsqrt",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tanh => "tanh",
            Unary::Logistic => "logistic",
            Unary::Erf => "erf",
            Unary::ErfInv => "erf_inv",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Round => "round",
            Unary::Not => "not",
        }
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x] if self.takes(x.dtype) => Ok((*x).clone()),
            _ if *self == Unary::Not => {
                Err(OpError::new("not", "one argument of bool or whole numbers", args))
            }
            _ if self.takes(DType::I32) => Err(OpError::new(self.name(), "one argument of numbers", args)),
            _ => Err(OpError::new(self.name(), "one argument of floats", args)),
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (x, y, ct) = (at.args[0], at.value, cotangent);
        Grads::of([match self {
            Unary::Neg => -ct,
            Unary::Abs => ct * x.sign(),
            Unary::Exp => ct * y,
            Unary::Expm1 => ct * (y + 1.0),
            Unary::Log => ct / x,
            Unary::Log1p => ct / (x + 1.0),
            Unary::Sqrt => ct * 0.5 / y,
            Unary::Rsqrt => ct * -0.5 * y / x,
            Unary::Sin => ct * x.cos(),
            Unary::Cos => -(ct * x.sin()),
            Unary::Tanh => ct * (1.0 - y.square()),
            Unary::Logistic => ct * (y * (1.0 - y)),
            Unary::Erf => ct * (2.0 / PI.sqrt()) * (-x.square()).exp(),
            Unary::ErfInv => ct * (PI.sqrt() / 2.0) * y.square().exp(),
            Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round | Unary::Not => return Grads::none(),
        }])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        if ty.dtype.is_float() {
            Tensor::from_floats(ty, args[0].floats().into_iter().map(|x| self.on_float(x)))
        } else {
            Tensor::from_integers(ty, args[0].integers().into_iter().map(|x| self.on_integer(x, ty.dtype)))
        }
    }

    fn parse(name: &str, _: &Attributes) -> Option<Result<Unary, String>> {
        Unary::ALL.into_iter().find(|op| op.name() == name).map(Ok)
    }

    fn exactness(&self) -> Exactness {
        match self {
            Unary::Neg | Unary::Abs | Unary::Sign | Unary::Sqrt => Exactness::Exact,
            Unary::Floor | Unary::Ceil | Unary::Round | Unary::Not => Exactness::Exact,
            Unary::Exp | Unary::Expm1 | Unary::Log | Unary::Log1p | Unary::Rsqrt => Exactness::Rounding,
            Unary::Sin | Unary::Cos | Unary::Tanh | Unary::Logistic => Exactness::Rounding,
            Unary::Erf | Unary::ErfInv => Exactness::Rounding,
        }
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let inner = at.args[0].node();
        let twice_is_nothing = matches!(self, Unary::Neg | Unary::Not);
        (twice_is_nothing && inner.op == (*self).into()).then(|| at.value.builder().expr(inner.args[0]))
    }
}

/// The inverse of the error function: Giles's approximation (GPU Computing Gems, 2012), polished by two Newton steps.
fn erf_inv(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        return if x.abs() == 1.0 { x * f64::INFINITY } else { f64::NAN };
    }
    let w = -((1.0 - x) * (1.0 + x)).ln();
    let small =
        [2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503];
    let small_rest = [-0.00417768164, 0.246640727, 1.50140941];
    let large =
        [-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613];
    let large_rest = [0.00943887047, 1.00167406, 2.83297682];
    let horner =
        |t: f64, first: [f64; 6], rest: [f64; 3]| first.into_iter().chain(rest).fold(0.0, |p, c| p * t + c);
    let mut y = x * if w < 5.0 {
        horner(w - 2.5, small, small_rest)
    } else {
        horner(w.sqrt() - 3.0, large, large_rest)
    };
    for _ in 0..2 {
        y -= (libm::erf(y) - x) / (2.0 / PI.sqrt() * (-y * y).exp());
    }
    y
}
