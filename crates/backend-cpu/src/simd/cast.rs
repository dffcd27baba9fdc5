//! Casts between the types that registers hold.

use std::marker::PhantomData;

use cornu_ir::DType;

use super::Target;
use super::function::{BlockFn, Function1, each1};
use super::half::{cast_to_bf16, cast_to_f16, rounding};
use super::number::Number;
use super::table::Held;

/// `self as Y`: floats stop at the ends of an integer's range, integers wrap, NaN becomes 0.
pub(crate) trait To<Y> {
    fn to(self) -> Y;
}

macro_rules! conversions {
    ($($from:ident),* => $to:ident) => {$(
        impl To<$to> for $from {
            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn to(self) -> $to {
                self as $to
            }
        }
    )*};
}

conversions!(f32, f64, i32, i64, u8, u32 => f32);
conversions!(f32, f64, i32, i64, u8, u32 => f64);
conversions!(f32, f64, i32, i64, u8, u32 => i32);
conversions!(f32, f64, i32, i64, u8, u32 => i64);
conversions!(f32, f64, i32, i64, u8, u32 => u8);
conversions!(f32, f64, i32, i64, u8, u32 => u32);

/// A number in another type.
struct Cast<X, Y>(PhantomData<(X, Y)>);

impl<X: Number + To<Y>, Y: Number> Function1 for Cast<X, Y> {
    type X = X;
    type Y = Y;

    #[inline(always)]
    fn of<T: Target>(x: X) -> Y {
        x.to()
    }
}

/// True unless it is 0.
struct Truth<X>(PhantomData<X>);

impl<X: Number> Function1 for Truth<X> {
    type X = X;
    type Y = u8;

    #[inline(always)]
    fn of<T: Target>(x: X) -> u8 {
        u8::from(x != X::ZERO)
    }
}

/// The cast from registers of one element type to those of another.
pub(crate) fn cast(from: DType, to: DType) -> BlockFn {
    match Held::of(from) {
        Held::F32 => rounding(to).unwrap_or_else(|| cast_from::<f32>(to)),
        Held::F64 => cast_from::<f64>(to),
        Held::I32 => cast_from::<i32>(to),
        Held::I64 => cast_from::<i64>(to),
        Held::U8 => cast_from::<u8>(to),
        Held::U32 => cast_from::<u32>(to),
    }
}

fn cast_from<X>(to: DType) -> BlockFn
where
    X: Number + To<f32> + To<f64> + To<i32> + To<i64> + To<u8> + To<u32>,
{
    match to {
        DType::F32 => each1::<Cast<X, f32>>,
        DType::F64 => each1::<Cast<X, f64>>,
        DType::BF16 => cast_to_bf16::<X>(),
        DType::F16 => cast_to_f16::<X>(),
        DType::I32 => each1::<Cast<X, i32>>,
        DType::I64 => each1::<Cast<X, i64>>,
        DType::U8 => each1::<Cast<X, u8>>,
        DType::U32 => each1::<Cast<X, u32>>,
        DType::Bool => each1::<Truth<X>>,
    }
}
