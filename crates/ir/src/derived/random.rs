//! Random numbers from random words: equal key and counter give equal numbers on every backend.

use std::f64::consts::SQRT_2;

use crate::builder::Builder;
use crate::expr::Expr;
use crate::types::{DType, Shape};

/// Uniform in [0, 1): every multiple of 2⁻²⁴ is as likely as any other. Of type `f32`.
pub fn uniform<'b>(
    builder: &'b Builder,
    shape: impl Into<Shape>,
    key: Expr<'b>,
    counter: Expr<'b>,
) -> Expr<'b> {
    top_bits(builder.random_bits(shape, key, counter), 24) * 2f64.powi(-24)
}

/// Normal with mean 0 and standard deviation 1. Of type `f32`.
pub fn normal<'b>(
    builder: &'b Builder,
    shape: impl Into<Shape>,
    key: Expr<'b>,
    counter: Expr<'b>,
) -> Expr<'b> {
    symmetric(builder.random_bits(shape, key, counter)).erf_inv() * SQRT_2
}

/// Normal with mean 0 and standard deviation 1 *before* the tails beyond ±2 were cut off. Of type `f32`.
pub fn truncated_normal<'b>(
    builder: &'b Builder,
    shape: impl Into<Shape>,
    key: Expr<'b>,
    counter: Expr<'b>,
) -> Expr<'b> {
    // Inverse distribution function over the part of its range that lies within ±2.
    let within = libm::erf(SQRT_2);
    (symmetric(builder.random_bits(shape, key, counter)) * within).erf_inv() * SQRT_2
}

/// True with the given probability, to 24 bits.
pub fn bernoulli<'b>(
    builder: &'b Builder,
    probability: f64,
    shape: impl Into<Shape>,
    key: Expr<'b>,
    counter: Expr<'b>,
) -> Expr<'b> {
    let drawn = uniform(builder, shape, key, counter);
    drawn.lt(drawn.number(probability))
}

/// The highest `count` bits of each word as a whole number in `f32`, which holds 24 exactly.
fn top_bits(words: Expr<'_>, count: u32) -> Expr<'_> {
    words.shr(words.number(f64::from(32 - count))).cast(DType::F32)
}

/// Uniform in (-1, 1), symmetric about 0, never an end: 2(k + ½)/2²³ - 1 is exact in `f32`.
fn symmetric(words: Expr<'_>) -> Expr<'_> {
    (top_bits(words, 23) + 0.5) * 2f64.powi(-22) - 1.0
}
