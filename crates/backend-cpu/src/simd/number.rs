//! Numbers: arithmetic as the language defines it, for the element types that registers hold.

use super::Target;
use super::plain::Plain;

/// A type that registers hold: `f32` (also for bf16 and f16), `f64`, `i32`, `i64`, `u8` (also for bool), `u32`.
pub(crate) trait Number: Plain + PartialOrd {
    /// The lowest value of the type: what a maximum of nothing is.
    const LOWEST: Self;
    /// The highest value of the type.
    const HIGHEST: Self;
    const ZERO: Self;
    const ONE: Self;
    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    /// `self·y + z`, in one rounding where the target can.
    fn mul_add<T: Target>(self, y: Self, z: Self) -> Self;
    fn mul(self, y: Self) -> Self;
    fn div(self, y: Self) -> Self;
    fn rem(self, y: Self) -> Self;
    fn max(self, y: Self) -> Self;
    fn min(self, y: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    fn sign(self) -> Self;
    /// The number, wrapped or rounded to the type.
    fn from_index(index: usize) -> Self;
    /// True for NaN.
    fn is_nan(self) -> bool;
}

/// A number with bits.
pub(crate) trait Whole: Number {
    fn and(self, y: Self) -> Self;
    fn or(self, y: Self) -> Self;
    fn xor(self, y: Self) -> Self;
    fn shl(self, y: Self) -> Self;
    fn shr(self, y: Self) -> Self;
    fn not(self) -> Self;
}

macro_rules! floats {
    ($($float:ident $mul_add:ident;)*) => {$(
        impl Number for $float {
            const LOWEST: $float = $float::NEG_INFINITY;
            const HIGHEST: $float = $float::INFINITY;
            const ZERO: $float = 0.0;
            const ONE: $float = 1.0;

            #[inline(always)]
            fn add(self, y: $float) -> $float {
                self + y
            }

            #[inline(always)]
            fn sub(self, y: $float) -> $float {
                self - y
            }

            #[inline(always)]
            fn mul(self, y: $float) -> $float {
                self * y
            }

            #[inline(always)]
            fn div(self, y: $float) -> $float {
                self / y
            }

            #[inline(always)]
            fn rem(self, y: $float) -> $float {
                self % y
            }

            #[inline(always)]
            fn mul_add<T: Target>(self, y: $float, z: $float) -> $float {
                T::$mul_add(self, y, z)
            }

            /// NaN if either is. The first line is one instruction, which answers `y` if either is NaN.
            #[inline(always)]
            fn max(self, y: $float) -> $float {
                let larger = if self > y { self } else { y };
                if self.is_nan() { self } else { larger }
            }

            #[inline(always)]
            fn min(self, y: $float) -> $float {
                let smaller = if self < y { self } else { y };
                if self.is_nan() { self } else { smaller }
            }

            #[inline(always)]
            fn neg(self) -> $float {
                -self
            }

            #[inline(always)]
            fn abs(self) -> $float {
                $float::abs(self)
            }

            /// NaN and both zeros stay.
            #[inline(always)]
            fn sign(self) -> $float {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else {
                    self
                }
            }

            #[inline(always)]
            fn from_index(index: usize) -> $float {
                index as $float
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                self != self
            }
        }
    )*};
}

macro_rules! integers {
    ($($int:ident $negative:expr;)*) => {$(
        impl Number for $int {
            const LOWEST: $int = $int::MIN;
            const HIGHEST: $int = $int::MAX;
            const ZERO: $int = 0;
            const ONE: $int = 1;

            #[inline(always)]
            fn add(self, y: $int) -> $int {
                self.wrapping_add(y)
            }

            #[inline(always)]
            fn sub(self, y: $int) -> $int {
                self.wrapping_sub(y)
            }

            #[inline(always)]
            fn mul(self, y: $int) -> $int {
                self.wrapping_mul(y)
            }

            #[inline(always)]
            fn mul_add<T: Target>(self, y: $int, z: $int) -> $int {
                self.wrapping_mul(y).wrapping_add(z)
            }

            /// By zero: all bits set.
            #[inline(always)]
            fn div(self, y: $int) -> $int {
                if y == 0 { !0 } else { self.wrapping_div(y) }
            }

            /// By zero: the dividend.
            #[inline(always)]
            fn rem(self, y: $int) -> $int {
                if y == 0 { self } else { self.wrapping_rem(y) }
            }

            #[inline(always)]
            fn max(self, y: $int) -> $int {
                if self > y { self } else { y }
            }

            #[inline(always)]
            fn min(self, y: $int) -> $int {
                if self < y { self } else { y }
            }

            #[inline(always)]
            fn neg(self) -> $int {
                self.wrapping_neg()
            }

            #[inline(always)]
            fn abs(self) -> $int {
                if $negative(self) { self.wrapping_neg() } else { self }
            }

            #[inline(always)]
            fn sign(self) -> $int {
                if $negative(self) { !0 } else { $int::from(self != 0) }
            }

            #[inline(always)]
            fn from_index(index: usize) -> $int {
                index as $int
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }
        }

        impl Whole for $int {
            #[inline(always)]
            fn and(self, y: $int) -> $int {
                self & y
            }

            #[inline(always)]
            fn or(self, y: $int) -> $int {
                self | y
            }

            #[inline(always)]
            fn xor(self, y: $int) -> $int {
                self ^ y
            }

            /// By the width or more, or by less than nothing: 0.
            #[inline(always)]
            fn shl(self, y: $int) -> $int {
                if $negative(y) || y >= $int::BITS as $int { 0 } else { self << y }
            }

            /// By the width or more, or by less than nothing: only the sign is left.
            #[inline(always)]
            fn shr(self, y: $int) -> $int {
                if !$negative(y) && y < $int::BITS as $int {
                    self >> y
                } else if $negative(self) {
                    !0
                } else {
                    0
                }
            }

            #[inline(always)]
            fn not(self) -> $int {
                !self
            }
        }
    )*};
}

floats! {
    f32 mul_add;
    f64 mul_add_f64;
}
integers! {
    i32 |x| x < 0;
    i64 |x| x < 0;
    u8 |_| false;
    u32 |_| false;
}
