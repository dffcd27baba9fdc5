//! Arithmetic: functions of each element, and the operators.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Expr;
use crate::ops::{Binary, Unary};

impl<'b> Expr<'b> {
    /// |x|
    pub fn abs(self) -> Expr<'b> {
        self.unary(Unary::Abs)
    }

    /// -1, 0 or 1; NaN stays.
    pub fn sign(self) -> Expr<'b> {
        self.unary(Unary::Sign)
    }

    /// eˣ
    pub fn exp(self) -> Expr<'b> {
        self.unary(Unary::Exp)
    }

    /// eˣ - 1, exact near 0.
    pub fn expm1(self) -> Expr<'b> {
        self.unary(Unary::Expm1)
    }

    /// The natural logarithm.
    pub fn log(self) -> Expr<'b> {
        self.unary(Unary::Log)
    }

    /// ln(1 + x), exact near 0.
    pub fn log1p(self) -> Expr<'b> {
        self.unary(Unary::Log1p)
    }

    /// √x
    pub fn sqrt(self) -> Expr<'b> {
        self.unary(Unary::Sqrt)
    }

    /// 1/√x
    pub fn rsqrt(self) -> Expr<'b> {
        self.unary(Unary::Rsqrt)
    }

    /// Sine of radians.
    pub fn sin(self) -> Expr<'b> {
        self.unary(Unary::Sin)
    }

    /// Cosine of radians.
    pub fn cos(self) -> Expr<'b> {
        self.unary(Unary::Cos)
    }

    /// Hyperbolic tangent.
    pub fn tanh(self) -> Expr<'b> {
        self.unary(Unary::Tanh)
    }

    /// 1/(1 + e⁻ˣ)
    pub fn logistic(self) -> Expr<'b> {
        self.unary(Unary::Logistic)
    }

    /// The error function.
    pub fn erf(self) -> Expr<'b> {
        self.unary(Unary::Erf)
    }

    /// Its inverse, from (-1, 1).
    pub fn erf_inv(self) -> Expr<'b> {
        self.unary(Unary::ErfInv)
    }

    /// The largest whole number that is not above.
    pub fn floor(self) -> Expr<'b> {
        self.unary(Unary::Floor)
    }

    /// The smallest whole number that is not below.
    pub fn ceil(self) -> Expr<'b> {
        self.unary(Unary::Ceil)
    }

    /// The nearest whole number; halves go to the even one.
    pub fn round(self) -> Expr<'b> {
        self.unary(Unary::Round)
    }

    /// x², as one product.
    pub fn square(self) -> Expr<'b> {
        self * self
    }

    /// The remainder, with the sign of the dividend.
    #[allow(clippy::should_implement_trait)]
    pub fn rem(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Rem, other)
    }

    /// Power.
    pub fn pow(self, exponent: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Pow, exponent)
    }

    /// The larger; NaN if either is.
    pub fn max(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Max, other)
    }

    /// The smaller; NaN if either is.
    pub fn min(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Min, other)
    }

    /// Never below `low` nor above `high`.
    pub fn clip(self, low: f64, high: f64) -> Expr<'b> {
        self.max(self.number(low)).min(self.number(high))
    }

    /// The angle of the point (x = `other`, y = self).
    pub fn atan2(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Atan2, other)
    }

    pub(super) fn unary(self, op: Unary) -> Expr<'b> {
        self.builder.apply(op, &[self])
    }

    pub(super) fn binary(self, op: Binary, other: Expr<'b>) -> Expr<'b> {
        let (a, b) = self.matched(other);
        self.builder.apply(op, &[a, b])
    }
}

impl<'b> Neg for Expr<'b> {
    type Output = Expr<'b>;

    fn neg(self) -> Expr<'b> {
        self.unary(Unary::Neg)
    }
}

/// An arithmetic operator between expressions, and between an expression and a number.
macro_rules! operator {
    ($($trait:ident $method:ident),*) => {$(
        impl<'b> $trait for Expr<'b> {
            type Output = Expr<'b>;

            fn $method(self, other: Expr<'b>) -> Expr<'b> {
                self.binary(Binary::$trait, other)
            }
        }

        impl<'b> $trait<f64> for Expr<'b> {
            type Output = Expr<'b>;

            fn $method(self, other: f64) -> Expr<'b> {
                $trait::$method(self, self.number(other))
            }
        }

        impl<'b> $trait<Expr<'b>> for f64 {
            type Output = Expr<'b>;

            fn $method(self, other: Expr<'b>) -> Expr<'b> {
                $trait::$method(other.number(self), other)
            }
        }
    )*};
}

operator!(Add add, Sub sub, Mul mul, Div div);
