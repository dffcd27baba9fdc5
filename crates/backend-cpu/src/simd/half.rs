//! bf16 and f16, to f32 and back, without branches.

use std::marker::PhantomData;

use cornu_ir::DType;
use half::{bf16, f16};

use super::Target;
use super::cast::To;
use super::function::{BlockFn, Function1, each1};
use super::number::Number;
use super::pack::Operand;

/// The f32 of the same value.
#[inline(always)]
fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest bf16, the even one of two: half a unit is added, or a little less where the last bit kept is even.
#[inline(always)]
fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    (if x.is_nan() { bits >> 16 | 0x40 } else { rounded }) as u16
}

/// The f32 of the same value. Shifted into place, an f16 is 2¹¹² too small, denormal or not.
#[inline(always)]
fn from_f16(bits: u16) -> f32 {
    let bits = u32::from(bits);
    let scaled = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits((127 + 112) << 23);
    let special = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    f32::from_bits(scaled.to_bits() | special | (bits & 0x8000) << 16)
}

/// The nearest f16, the even one of two.
#[inline(always)]
fn to_f16(x: f32) -> u16 {
    const DENORMAL: u32 = (127 - 15 + 23 - 10 + 1) << 23;
    let size = x.to_bits() & 0x7fff_ffff;
    // Moves the exponent's origin from 127 to 15, and rounds as above.
    let normal = size.wrapping_sub((127 - 15) << 23).wrapping_add(0xfff + (size >> 13 & 1)) >> 13;
    // The addition shifts the digits of a denormal into place, and rounds them.
    let denormal = (f32::from_bits(size) + f32::from_bits(DENORMAL)).to_bits().wrapping_sub(DENORMAL);
    let finite = if size < 0x3880_0000 { denormal } else { normal };
    let special = if size > 0x7f80_0000 { 0x7e00 | (size >> 13 & 0x3ff) } else { 0x7c00 };
    let bits = if size >= 0x4780_0000 { special } else { finite };
    (bits | x.to_bits() >> 16 & 0x8000) as u16
}

/// Names a conversion as a function of one element.
macro_rules! conversion {
    ($name:ident: $X:ty => $Y:ty, $of:expr) => {
        struct $name;

        impl Function1 for $name {
            type X = $X;
            type Y = $Y;

            #[inline(always)]
            fn of<T: Target>(x: $X) -> $Y {
                $of(x)
            }
        }
    };
}

conversion!(WidenBf16: u16 => f32, from_bf16);
conversion!(WidenF16: u16 => f32, from_f16);
conversion!(NarrowBf16: f32 => u16, to_bf16);
conversion!(NarrowF16: f32 => u16, to_f16);
conversion!(RoundBf16: f32 => f32, |x| from_bf16(to_bf16(x)));
conversion!(RoundF16: f32 => f32, |x| from_f16(to_f16(x)));

/// A bf16 as an operand of a product.
pub(crate) struct Bf16;

impl Operand for Bf16 {
    type Raw = u16;
    type Held = f32;
    const IS_HELD: bool = false;

    #[inline(always)]
    fn widen(raw: u16) -> f32 {
        from_bf16(raw)
    }
}

/// An f16 as an operand of a product.
pub(crate) struct F16;

impl Operand for F16 {
    type Raw = u16;
    type Held = f32;
    const IS_HELD: bool = false;

    #[inline(always)]
    fn widen(raw: u16) -> f32 {
        from_f16(raw)
    }
}

/// From the bits of a half-width float to f32; `None` for other types.
pub(crate) fn widening(dtype: DType) -> Option<BlockFn> {
    of_half(dtype, each1::<WidenBf16>, each1::<WidenF16>)
}

/// From f32 to the bits of a half-width float.
pub(crate) fn narrowing(dtype: DType) -> Option<BlockFn> {
    of_half(dtype, each1::<NarrowBf16>, each1::<NarrowF16>)
}

/// From f32 to the nearest number of a half-width type, as f32.
pub(crate) fn rounding(dtype: DType) -> Option<BlockFn> {
    of_half(dtype, each1::<RoundBf16>, each1::<RoundF16>)
}

fn of_half<T>(dtype: DType, of_bf16: T, of_f16: T) -> Option<T> {
    match dtype {
        DType::BF16 => Some(of_bf16),
        DType::F16 => Some(of_f16),
        DType::F32 | DType::F64 | DType::I32 | DType::I64 | DType::U8 | DType::U32 | DType::Bool => None,
    }
}

/// From wider types at once: by way of f32 a number could be rounded twice.
struct FromWideToBf16<X>(PhantomData<X>);

impl<X: Number + To<f64>> Function1 for FromWideToBf16<X> {
    type X = X;
    type Y = f32;

    #[inline(always)]
    fn of<T: Target>(x: X) -> f32 {
        bf16::from_f64(x.to()).to_f32()
    }
}

/// From wider types at once.
struct FromWideToF16<X>(PhantomData<X>);

impl<X: Number + To<f64>> Function1 for FromWideToF16<X> {
    type X = X;
    type Y = f32;

    #[inline(always)]
    fn of<T: Target>(x: X) -> f32 {
        f16::from_f64(x.to()).to_f32()
    }
}

/// The cast to bf16 from a type that f32 may not hold.
pub(super) fn cast_to_bf16<X: Number + To<f64>>() -> BlockFn {
    each1::<FromWideToBf16<X>>
}

/// The cast to f16 from a type that f32 may not hold.
pub(super) fn cast_to_f16<X: Number + To<f64>>() -> BlockFn {
    each1::<FromWideToF16<X>>
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_float_widens_exactly() {
        for bits in 0..=u16::MAX {
            let bf16 = (from_bf16(bits), bf16::from_bits(bits).to_f32_const());
            let f16 = (from_f16(bits), f16::from_bits(bits).to_f32_const());
            for (got, exact) in [bf16, f16] {
                assert!(got.to_bits() == exact.to_bits() || got.is_nan() && exact.is_nan(), "{bits:x}");
            }
        }
    }

    #[test]
    fn floats_narrow_to_the_nearest() {
        let around_ties = (0..=u16::MAX).flat_map(|high| {
            let bits = u32::from(high) << 16;
            [
                bits,
                bits | 1,
                bits | 0x7fff,
                bits | 0x8000,
                bits | 0x8001,
                bits | 0xf000,
                bits | 0x1000,
                bits | 0x3000,
            ]
        });
        for bits in around_ties.chain((0..=u32::MAX).step_by(4099)) {
            let x = f32::from_bits(bits);
            let (got, exact) = (bf16::from_bits(to_bf16(x)), bf16::from_f32_const(x));
            assert!(got == exact || got.is_nan() && exact.is_nan(), "bf16 of {x:e}: {got}, not {exact}");
            let (got, exact) = (f16::from_bits(to_f16(x)), f16::from_f32_const(x));
            assert!(got == exact || got.is_nan() && exact.is_nan(), "f16 of {x:e}: {got}, not {exact}");
        }
    }
}
