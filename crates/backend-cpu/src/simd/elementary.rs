//! Elementary functions by element type: f32 has vector code, f64 the standard library, element by element.

use cornu_ir::ops::Unary;

use super::number::Number;
use super::{Target, math};

/// A float.
pub(crate) trait Elementary: Number {
    fn exp<T: Target>(self) -> Self;
    fn expm1<T: Target>(self) -> Self;
    fn log<T: Target>(self) -> Self;
    fn log1p<T: Target>(self) -> Self;
    fn tanh<T: Target>(self) -> Self;
    fn logistic<T: Target>(self) -> Self;
    fn erf<T: Target>(self) -> Self;
    fn erf_inv<T: Target>(self) -> Self;
    fn pow<T: Target>(self, y: Self) -> Self;
    /// For angles that are not large.
    fn sin<T: Target>(self) -> Self;
    /// For angles that are not large.
    fn cos<T: Target>(self) -> Self;
    fn is_large_angle(self) -> bool;
    fn sin_any(self) -> Self;
    fn cos_any(self) -> Self;
    fn sqrt(self) -> Self;
    fn rsqrt(self) -> Self;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    /// To the nearest; halves to the even one.
    fn round(self) -> Self;
    fn atan2(self, x: Self) -> Self;
}

/// What both types take from the standard library.
macro_rules! standard {
    ($float:ident) => {
        #[inline(always)]
        fn sin_any(self) -> $float {
            $float::sin(self)
        }

        #[inline(always)]
        fn cos_any(self) -> $float {
            $float::cos(self)
        }

        #[inline(always)]
        fn sqrt(self) -> $float {
            $float::sqrt(self)
        }

        #[inline(always)]
        fn rsqrt(self) -> $float {
            1.0 / $float::sqrt(self)
        }

        #[inline(always)]
        fn floor(self) -> $float {
            $float::floor(self)
        }

        #[inline(always)]
        fn ceil(self) -> $float {
            $float::ceil(self)
        }

        #[inline(always)]
        fn round(self) -> $float {
            $float::round_ties_even(self)
        }

        #[inline(always)]
        fn atan2(self, x: $float) -> $float {
            $float::atan2(self, x)
        }
    };
}

/// Functions of one number that depend on the target, and where they are.
macro_rules! forwarded {
    ($float:ident: $($method:ident = $function:expr;)*) => {$(
        #[inline(always)]
        fn $method<T: Target>(self) -> $float {
            $function(self)
        }
    )*};
}

impl Elementary for f32 {
    standard!(f32);

    forwarded! { f32:
        exp = math::exp::<T>;
        expm1 = math::expm1::<T>;
        log = math::log::<T>;
        log1p = math::log1p::<T>;
        tanh = math::tanh::<T>;
        logistic = math::logistic::<T>;
        erf = math::erf::<T>;
        erf_inv = math::erf_inv::<T>;
        sin = math::sin::<T>;
        cos = math::cos::<T>;
    }

    #[inline(always)]
    fn pow<T: Target>(self, y: f32) -> f32 {
        math::pow::<T>(self, y)
    }

    #[inline(always)]
    fn is_large_angle(self) -> bool {
        math::is_large_angle(self)
    }
}

impl Elementary for f64 {
    standard!(f64);

    forwarded! { f64:
        exp = f64::exp;
        expm1 = f64::exp_m1;
        log = f64::ln;
        log1p = f64::ln_1p;
        tanh = f64::tanh;
        logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        erf = libm::erf;
        erf_inv = |x| Unary::ErfInv.on_float(x);
        sin = f64::sin;
        cos = f64::cos;
    }

    #[inline(always)]
    fn pow<T: Target>(self, y: f64) -> f64 {
        f64::powf(self, y)
    }

    #[inline(always)]
    fn is_large_angle(self) -> bool {
        false
    }
}
