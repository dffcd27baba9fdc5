//! Operations of each element by itself.

use cornu_ir::{DType, Expr};

use super::call::Call;
use super::operand::{self, float, number, to};
use crate::activations::Activation;
use crate::error::Result;

pub(super) type Outputs<'b> = Result<Vec<Expr<'b>>>;

/// A quotient, always in floats.
pub(super) fn divide<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    call.map_pair(|a, b| float(a) / float(b))
}

/// A quotient that is 0 where the divisor is.
pub(super) fn divide_no_nan<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    call.map_pair(|a, b| {
        let (a, b) = (float(a), float(b));
        let zero = b.eq(b.number(0.0));
        // The division is by a safe number where its result is not used.
        zero.select(a.number(0.0), a / zero.select(b.number(1.0), b))
    })
}

/// The remainder with the sign of the divisor.
pub(super) fn modulo<'b>(a: Expr<'b>, b: Expr<'b>) -> Expr<'b> {
    let rest = a.rem(b);
    let zero = rest.number(0.0);
    let crosses = rest.ne(zero).and(rest.lt(zero).ne(b.lt(zero)));
    crosses.select(rest + b, rest)
}

/// The quotient rounded down.
pub(super) fn floor_divide<'b>(a: Expr<'b>, b: Expr<'b>) -> Expr<'b> {
    if a.dtype().is_float() { (a / b).floor() } else { (a - modulo(a, b)) / b }
}

/// A sum; of truths, whether one holds.
pub(super) fn add<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    call.map_pair(|a, b| if a.dtype() == DType::Bool { a.or(b) } else { a + b })
}

/// A product; of truths, whether both hold.
pub(super) fn multiply<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    call.map_pair(|a, b| if a.dtype() == DType::Bool { a.and(b) } else { a * b })
}

/// A power. Small whole exponents of whole numbers are products.
pub(super) fn power<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let [a, b] = call.pair()?;
    if a.dtype().is_float() {
        return Ok(vec![if b.as_number() == Some(2.0) { a.square() } else { a.pow(b) }]);
    }
    match b.as_number() {
        Some(exponent) if (0.0..=64.0).contains(&exponent) && exponent.fract() == 0.0 => {
            let a = number(a);
            Ok(vec![(0..exponent as u32).fold(a.full_like(1.0), |power, _| power * a)])
        }
        _ => Err(call.fail("of whole numbers needs an exponent from 0 to 64; cast to float32 otherwise")),
    }
}

/// A function of two truths.
pub(super) fn logical<'b>(
    call: &Call<'_, 'b>,
    function: impl FnOnce(Expr<'b>, Expr<'b>) -> Expr<'b>,
) -> Outputs<'b> {
    call.map_pair(|a, b| function(to(a, DType::Bool), to(b, DType::Bool)))
}

/// The function of this activation.
pub(super) fn activation<'b>(call: &Call<'_, 'b>, activation: Activation) -> Outputs<'b> {
    Ok(vec![activation.apply(call.float()?)?])
}

/// As [`activation`], which takes the sign of whole numbers too.
pub(super) fn relu<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    call.map(|x| {
        let x = number(x);
        x.max(x.number(0.0))
    })
}

/// Whole numbers are whole already.
pub(super) fn rounding<'b>(call: &Call<'_, 'b>, function: impl FnOnce(Expr<'b>) -> Expr<'b>) -> Outputs<'b> {
    call.map(|x| if x.dtype().is_float() { function(x) } else { x })
}

/// Rounded to so many decimals; halves go to the even neighbour.
pub(super) fn round<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let decimals = call.attributes().integer("decimals")?.unwrap_or(0).clamp(-300, 300) as i32;
    rounding(call, |x| match decimals {
        0 => x.round(),
        _ => {
            let scale = 10f64.powi(decimals);
            (x * scale).round() / scale
        }
    })
}

/// Rounded towards 0.
pub(super) fn truncate(x: Expr<'_>) -> Expr<'_> {
    x.lt(x.number(0.0)).select(x.ceil(), x.floor())
}

/// Within bounds, which are numbers.
pub(super) fn clip<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = number(call.x()?);
    let low = call.attributes().number("x_min")?;
    let high = call.attributes().number("x_max")?;
    let floats = [low, high].into_iter().flatten().any(|bound| bound.fract() != 0.0);
    let x = if floats { float(x) } else { x };
    let x = low.map_or(x, |low| x.max(x.number(low)));
    Ok(vec![high.map_or(x, |high| x.min(x.number(high)))])
}

/// Another element type.
pub(super) fn cast<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let dtype = call.dtype("dtype")?;
    call.map(|x| dtype.map_or(x, |dtype| to(x, dtype)))
}

/// One value or the other.
pub(super) fn choose<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let condition = to(call.value(0)?, DType::Bool);
    let values = operand::promoted(call.builder, &[call.operand(1)?, call.operand(2)?]);
    match operand::broadcast(call.class, &[condition, values[0], values[1]])?[..] {
        [condition, yes, no] => Ok(vec![condition.select(yes, no)]),
        _ => unreachable!("three values go in and come out"),
    }
}

/// A value of the same shape, filled.
pub(super) fn like<'b>(call: &Call<'_, 'b>, fill: f64) -> Outputs<'b> {
    let dtype = call.dtype("dtype")?;
    call.map(|x| to(x.builder().full(&x.ty(), fill), dtype.unwrap_or(x.dtype())))
}

/// A value of the same shape, filled with the second operand.
pub(super) fn full_like<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    let dtype = call.dtype("dtype")?.unwrap_or(x.dtype());
    let fill = to(call.value(1)?, dtype);
    let filled = operand::broadcast(call.class, &[x, fill])?;
    Ok(vec![filled[1]])
}

/// Numbers in the place of what is none.
pub(super) fn nan_to_num<'b>(call: &Call<'_, 'b>) -> Outputs<'b> {
    let x = call.x()?;
    if !x.dtype().is_float() {
        return Ok(vec![x]);
    }
    let largest = match x.dtype() {
        DType::F16 => 65504.0,
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    };
    let attributes = call.attributes();
    let nan = attributes.number("nan")?.unwrap_or(0.0);
    let above = attributes.number("posinf")?.unwrap_or(largest);
    let below = attributes.number("neginf")?.unwrap_or(-largest);
    let x = x.ne(x).select(x.number(nan), x);
    let x = x.eq(x.number(f64::INFINITY)).select(x.number(above), x);
    Ok(vec![x.eq(x.number(f64::NEG_INFINITY)).select(x.number(below), x)])
}

/// Neither infinite nor NaN.
pub(super) fn is_finite(x: Expr<'_>) -> Expr<'_> {
    x.abs().lt(x.number(f64::INFINITY))
}
