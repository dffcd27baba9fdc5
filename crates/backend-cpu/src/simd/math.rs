//! Elementary functions of f32 without branches, so that a loop over them becomes vector code.
//!
//! Each states the largest error over the floats that `tests` samples, in units in the last place of the result, with
//! fused multiply-adds / without. All give the right result at 0, infinities, NaN and denormals.

// Coefficients stand as they were published.
#![allow(clippy::excessive_precision)]

use std::f32::consts::LOG2_E;

use super::Target;

/// Adding and taking away 1.5·2²³ rounds a small number to a whole one, and leaves that in the low bits.
const ROUNDER: f32 = 12_582_912.0;
/// Adding and taking away 1.5·2⁵² does so in double precision.
const ROUNDER_F64: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; a product of the first with a whole number below 2⁸ is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `c[0]·x^(n-1) + … + c[n-1]`
#[inline(always)]
fn polynomial<T: Target, const N: usize>(x: f32, c: [f32; N]) -> f32 {
    let mut sum = c[0];
    for &next in &c[1..] {
        sum = T::mul_add(sum, x, next);
    }
    sum
}

#[inline(always)]
fn polynomial_f64<T: Target, const N: usize>(x: f64, c: [f64; N]) -> f64 {
    let mut sum = c[0];
    for &next in &c[1..] {
        sum = T::mul_add_f64(sum, x, next);
    }
    sum
}

/// 2ⁿ for `n` in -126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

/// The whole number `n` nearest to x/ln 2, and `x - n·ln 2`.
#[inline(always)]
fn reduced<T: Target>(x: f32) -> (i32, f32) {
    let shifted = T::mul_add(x, LOG2_E, ROUNDER);
    let n = shifted - ROUNDER;
    let rest = T::mul_add(n, -LN_2_LOW, T::mul_add(n, -LN_2_HIGH, x));
    (shifted.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32, rest)
}

/// eʳ - 1 for |r| ≤ ln 2 / 2.
#[inline(always)]
fn exp_rest<T: Target>(r: f32) -> f32 {
    let c = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1];
    T::mul_add(polynomial::<T, 6>(r, c), r * r, r)
}

/// eˣ. Error: 1.0 / 1.0.
#[inline(always)]
pub(crate) fn exp<T: Target>(x: f32) -> f32 {
    let clamped = if x > 89.0 { 89.0 } else { x };
    let clamped = if clamped < -104.0 { -104.0 } else { clamped };
    let (n, r) = reduced::<T>(clamped);
    // In two steps, as 2ⁿ itself may not be a float where the result is: near infinity and among the denormals.
    let half = n >> 1;
    (exp_rest::<T>(r) + 1.0) * power_of_two(half) * power_of_two(n - half)
}

/// eˣ - 1. Error: 1.5 / 1.5.
#[inline(always)]
pub(crate) fn expm1<T: Target>(x: f32) -> f32 {
    let clamped = if x > 89.0 { 89.0 } else { x };
    let clamped = if clamped < -18.0 { -18.0 } else { clamped };
    let (n, r) = reduced::<T>(clamped);
    // 2ⁿ(p + 1) - 1 by halves, so that 2ⁿ need not be below 2¹²⁸.
    let half = power_of_two(n - 1);
    let result = T::mul_add(half, exp_rest::<T>(r), half - 0.5) * 2.0;
    if n == 0 { exp_rest::<T>(r) } else { result }
}

/// A positive float as `m·2ᵉ` with m in [√½, √2).
#[inline(always)]
fn decomposed(x: f32) -> (f32, i32) {
    let bits = x.to_bits() as i32;
    let e = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32) >> 23;
    (f32::from_bits(bits.wrapping_sub(e << 23) as u32), e)
}

/// ln(1 + f) + e·ln 2 for 1 + f in [√½, √2).
#[inline(always)]
fn log_sum<T: Target>(f: f32, e: f32) -> f32 {
    let c = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_87e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let square = f * f;
    let rest = T::mul_add(polynomial::<T, 9>(f, c), f * square, e * LN_2_LOW);
    let rest = T::mul_add(square, -0.5, rest);
    T::mul_add(e, LN_2_HIGH, f + rest)
}

/// ln x. Error: 0.8 / 0.8.
#[inline(always)]
pub(crate) fn log<T: Target>(x: f32) -> f32 {
    let denormal = x < f32::MIN_POSITIVE;
    let (m, e) = decomposed(if denormal { x * 8_388_608.0 } else { x });
    let e = if denormal { e - 23 } else { e };
    log_edges(x, log_sum::<T>(m - 1.0, e as f32))
}

/// The logarithm at the edges of its domain: `inside` is right for positive finite `x`.
#[inline(always)]
fn log_edges(x: f32, inside: f32) -> f32 {
    let inside = if x == f32::INFINITY { x } else { inside };
    let inside = if x == 0.0 { f32::NEG_INFINITY } else { inside };
    if x >= 0.0 { inside } else { f32::NAN }
}

/// ln(1 + x). Error: 1.4 / 1.4.
#[inline(always)]
pub(crate) fn log1p<T: Target>(x: f32) -> f32 {
    let sum = 1.0 + x;
    // What rounding took from 1 + x; from 2²⁴ on it is less than half a unit in the last place of the result.
    let lost = if x < 1.0 { x - (sum - 1.0) } else { 1.0 - (sum - x) };
    let lost = if x < 16_777_216.0 { lost } else { 0.0 };
    let (m, e) = decomposed(sum);
    let scale = power_of_two(if e < 100 { -e } else { -100 });
    let inside = log_sum::<T>(T::mul_add(lost, scale, m - 1.0), e as f32);
    if x == 0.0 { x } else { log_edges(sum, inside) }
}

/// tanh x. Error: 1.3 / 1.3.
#[inline(always)]
pub(crate) fn tanh<T: Target>(x: f32) -> f32 {
    let c = [-5.704_988_7e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1];
    let square = x * x;
    let near = T::mul_add(polynomial::<T, 5>(square, c) * square, x, x);
    let size = x.abs();
    let far = 1.0 - 2.0 / (exp::<T>(size + size) + 1.0);
    if size < 0.625 { near } else { far.copysign(x) }
}

/// 1/(1 + e⁻ˣ). Error: 2.3 / 2.3.
#[inline(always)]
pub(crate) fn logistic<T: Target>(x: f32) -> f32 {
    let small = exp::<T>(-x.abs());
    (if x < 0.0 { small } else { 1.0 }) / (1.0 + small)
}

/// The error function, after N. Juffa. Error: 1.0 / 1.1.
#[inline(always)]
pub(crate) fn erf<T: Target>(x: f32) -> f32 {
    let (size, square) = (x.abs(), x * x);
    let c = [-5.967_617e-4, 4.991_194_2e-3, -2.676_813_5e-2, 1.128_199_3e-1, -3.761_253_4e-1, 1.283_791_7e-1];
    let near = T::mul_add(polynomial::<T, 6>(square, c), x, x);
    let high = T::mul_add(-1.728_534_7e-5, size, 3.831_972e-4);
    let low = T::mul_add(-3.883_964_4e-3, size, 2.425_462_2e-2);
    let c = [T::mul_add(high, square, low), -1.067_778_8e-1, -6.348_467e-1, -1.287_175_1e-1];
    let exponent = T::mul_add(polynomial::<T, 4>(size, c), size, -size);
    let far = (1.0 - exp::<T>(exponent)).copysign(x);
    if size > 0.927_734_4 { far } else { near }
}

/// The inverse of the error function, after N. Juffa. Error: 2.4 / 2.4.
#[inline(always)]
pub(crate) fn erf_inv<T: Target>(x: f32) -> f32 {
    let t = log::<T>((1.0 - x) * (1.0 + x));
    let far = [
        3.036_975_7e-10,
        2.932_431e-8,
        1.221_503_3e-6,
        2.841_089_5e-5,
        3.935_529_7e-4,
        3.026_988_1e-3,
        4.831_858e-3,
        -2.646_461_4e-1,
        8.400_165e-1,
    ];
    let near = [
        5.438_778_3e-9,
        1.432_854_5e-7,
        1.227_747_9e-6,
        1.129_636_3e-7,
        -5.615_307_6e-5,
        -1.476_976_3e-4,
        2.314_686_8e-3,
        1.153_925_8e-2,
        -2.320_154_8e-1,
        8.862_269e-1,
    ];
    x * if t < -6.125 { polynomial::<T, 9>(t, far) } else { polynomial::<T, 10>(t, near) }
}

/// Beyond this, [`quadrant`] would need more than two doubles for π/2.
const LARGE_ANGLE: f32 = 1e6;

/// The multiple of π/2 nearest to an angle, and the angle's distance from it.
#[inline(always)]
fn quadrant<T: Target>(x: f32) -> (i32, f32) {
    // The first part of π/2 has 33 bits: its product with a whole number below 2²⁰ is exact.
    const HIGH: f64 = 1.570_796_326_734_125_6;
    const LOW: f64 = 6.077_100_506_506_192e-11;
    let shifted = T::mul_add_f64(f64::from(x), std::f64::consts::FRAC_2_PI, ROUNDER_F64);
    let n = shifted - ROUNDER_F64;
    let rest = T::mul_add_f64(n, -LOW, T::mul_add_f64(n, -HIGH, f64::from(x)));
    (shifted.to_bits() as i32, rest as f32)
}

/// The sine of the angle `quarter·π/2 + r`.
#[inline(always)]
fn sine<T: Target>(quarter: i32, r: f32) -> f32 {
    let square = r * r;
    let sin = [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1];
    let sin = T::mul_add(polynomial::<T, 3>(square, sin) * square, r, r);
    let cos = [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2];
    let cos = T::mul_add(polynomial::<T, 3>(square, cos), square * square, T::mul_add(square, -0.5, 1.0));
    let result = if quarter & 1 == 0 { sin } else { cos };
    if quarter & 2 == 0 { result } else { -result }
}

/// sin x, for |x| up to [`LARGE_ANGLE`]. Error: 1.5 / 1.5.
#[inline(always)]
pub(crate) fn sin<T: Target>(x: f32) -> f32 {
    let (quarter, r) = quadrant::<T>(x);
    let result = sine::<T>(quarter, r);
    if x == 0.0 { x } else { result }
}

/// cos x, for |x| up to [`LARGE_ANGLE`]. Error: 1.5 / 1.6.
#[inline(always)]
pub(crate) fn cos<T: Target>(x: f32) -> f32 {
    let (quarter, r) = quadrant::<T>(x);
    sine::<T>(quarter.wrapping_add(1), r)
}

/// True for angles that [`sin`] and [`cos`] do not take.
#[inline(always)]
pub(crate) fn is_large_angle(x: f32) -> bool {
    x.abs() > LARGE_ANGLE
}

/// xʸ, in double precision inside. Error: 0.5 / 0.5.
#[inline(always)]
pub(crate) fn pow<T: Target>(x: f32, y: f32) -> f32 {
    let exponent = f64::from(y) * log2::<T>(x.abs());
    let size = exp2::<T>(exponent);
    // Below 2²³, adding that leaves the whole part in the low bits; from there on floats are whole, from 2²⁴ on even.
    let shifted = y.abs() + 8_388_608.0;
    let small = y.abs() < 8_388_608.0;
    let whole = !small | (shifted - 8_388_608.0 == y.abs());
    let unit = if small { shifted.to_bits() } else { y.to_bits() } & 1;
    let odd = whole & (y.abs() < 16_777_216.0) & (unit == 1);
    let signed = if x.is_sign_negative() & odd { -size } else { size };
    let signed = if (x < 0.0) & (x > f32::NEG_INFINITY) & !whole { f32::NAN } else { signed };
    let is_one = (x == 1.0) | (y == 0.0) | ((x == -1.0) & (y.abs() == f32::INFINITY));
    if is_one { 1.0 } else { signed }
}

/// log₂ of a number that is not negative, to some 40 bits.
#[inline(always)]
fn log2<T: Target>(x: f32) -> f64 {
    // 2/ln 2 · 1/(2i + 1): the series of the area tangent.
    const C: [f64; 9] = {
        let mut c = [0.0; 9];
        let mut i = 0;
        while i < 9 {
            c[i] = 2.0 * std::f64::consts::LOG2_E / (17 - 2 * i) as f64;
            i += 1;
        }
        c
    };
    // A denormal f32 is a normal f64. Exponents are kept 1024 too high, as positive numbers are easier to shift.
    let bits = f64::from(x).to_bits();
    let e = bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits()).wrapping_add(1024 << 52) >> 52;
    let m = f64::from_bits(bits.wrapping_sub(e << 52).wrapping_add(1024 << 52));
    let s = (m - 1.0) / (m + 1.0);
    let whole = f64::from_bits(ROUNDER_F64.to_bits() + e) - (ROUNDER_F64 + 1024.0);
    let result = T::mul_add_f64(s, polynomial_f64::<T, 9>(s * s, C), whole);
    let result = if x == 0.0 { f64::NEG_INFINITY } else { result };
    if x < f32::INFINITY { result } else { f64::from(x) }
}

/// 2ˣ, rounded once.
#[inline(always)]
fn exp2<T: Target>(x: f64) -> f32 {
    // (ln 2)ⁱ/i!: the series of the exponential.
    const C: [f64; 11] = {
        let mut c = [1.0; 11];
        let mut i = 10;
        while i > 0 {
            c[i - 1] = c[i] * std::f64::consts::LN_2 / (11 - i) as f64;
            i -= 1;
        }
        c
    };
    let clamped = if x > 200.0 { 200.0 } else { x };
    let clamped = if clamped < -200.0 { -200.0 } else { clamped };
    let shifted = clamped + ROUNDER_F64;
    let rest = clamped - (shifted - ROUNDER_F64);
    let n = shifted.to_bits().wrapping_sub(ROUNDER_F64.to_bits());
    let scale = f64::from_bits(n.wrapping_add(1023) << 52);
    (polynomial_f64::<T, 11>(rest, C) * scale) as f32
}

#[cfg(test)]
mod tests;
