//! The errors that `math` states, measured over floats of every size; and the edges, one by one.

// A table of functions says its own type best.
#![allow(clippy::type_complexity)]

use super::super::{Avx, Portable};
use super::*;

/// Every so many bit patterns are tried.
const STRIDE: usize = 1009;

/// The distance in units in the last place of the exact result.
fn ulps(got: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if got == rounded || (got.is_nan() && rounded.is_nan()) {
        return 0.0;
    }
    if !got.is_finite() || !rounded.is_finite() {
        return f64::INFINITY;
    }
    let exponent = exact.abs().log2().floor().max(-126.0);
    (f64::from(got) - exact).abs() / (exponent - 23.0).exp2()
}

/// The largest error over `domain`, and where it is.
fn worst(domain: impl Fn(f32) -> bool, f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> (f64, f32) {
    let samples = (0..=u32::MAX).step_by(STRIDE).map(f32::from_bits).filter(|&x| domain(x));
    samples.fold((0.0, 0.0), |worst, x| {
        let error = ulps(f(x), exact(f64::from(x)));
        if error > worst.0 { (error, x) } else { worst }
    })
}

/// A name, the bound of its error, where it is tried, its two forms, and what is exact.
type Case = (&'static str, f64, fn(f32) -> bool, [fn(f32) -> f32; 2], fn(f64) -> f64);

/// A function, and points of its graph.
type Edges<'a> = (fn(f32) -> f32, &'a [(f32, f32)]);

/// Newton's method from the function's own answer.
fn exact_erf_inv(x: f64) -> f64 {
    let mut y = f64::from(erf_inv::<Avx>(x as f32));
    if y.is_finite() {
        for _ in 0..3 {
            // erf y - x by the complement, which keeps its digits near 1.
            let error = if x > 0.5 {
                (1.0 - x) - libm::erfc(y)
            } else if x < -0.5 {
                libm::erfc(-y) - (1.0 + x)
            } else {
                libm::erf(y) - x
            };
            y -= error * std::f64::consts::PI.sqrt() / 2.0 * (y * y).exp();
        }
    }
    y
}

#[test]
fn errors_are_as_stated() {
    let all = |_: f32| true;
    let angle = |x: f32| !is_large_angle(x);
    let cases: [Case; 10] = [
        ("exp", 1.0, all, [exp::<Avx>, exp::<Portable>], f64::exp),
        ("expm1", 1.5, all, [expm1::<Avx>, expm1::<Portable>], f64::exp_m1),
        ("log", 0.8, all, [log::<Avx>, log::<Portable>], f64::ln),
        ("log1p", 1.4, all, [log1p::<Avx>, log1p::<Portable>], f64::ln_1p),
        ("tanh", 1.3, all, [tanh::<Avx>, tanh::<Portable>], f64::tanh),
        ("logistic", 2.3, all, [logistic::<Avx>, logistic::<Portable>], |x| 1.0 / (1.0 + (-x).exp())),
        ("erf", 1.1, all, [erf::<Avx>, erf::<Portable>], libm::erf),
        ("erf_inv", 2.4, all, [erf_inv::<Avx>, erf_inv::<Portable>], exact_erf_inv),
        ("sin", 1.6, angle, [sin::<Avx>, sin::<Portable>], f64::sin),
        ("cos", 1.6, angle, [cos::<Avx>, cos::<Portable>], f64::cos),
    ];
    for (name, bound, domain, forms, exact) in cases {
        for (form, f) in ["fused", "not fused"].into_iter().zip(forms) {
            let (error, x) = worst(domain, f, exact);
            println!("{name:8} {form:9} {error:.2} ulp at {x:e}");
            assert!(error <= bound, "{name}, {form}: {error} ulp at {x:e}");
        }
    }
}

#[test]
fn the_error_of_pow_is_as_stated() {
    let bases = (0..=u32::MAX).step_by(2_000_003).map(f32::from_bits);
    let near_one = (0..2000).map(|i| 0.5 + i as f32 / 1000.0);
    let mut worst = 0.0f64;
    for x in bases.chain(near_one) {
        for y in
            (0..=u32::MAX).step_by(3_000_017).map(f32::from_bits).chain((-40..40).map(|i| i as f32 / 2.0))
        {
            for got in [pow::<Avx>(x, y), pow::<Portable>(x, y)] {
                let error = ulps(got, f64::from(x).powf(f64::from(y)));
                assert!(error <= 0.51, "{x:e} to the {y:e}: {got:e}, {error} ulp");
                worst = worst.max(error);
            }
        }
    }
    println!("pow: {worst:.3} ulp");
}

#[test]
fn powers_at_the_edges() {
    let edges = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 16_777_217.0, f32::INFINITY];
    let edges =
        edges.into_iter().chain([f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE, 1e-45, f32::MAX, 1e10]);
    for x in edges.clone() {
        for y in edges.clone() {
            let (got, exact) = (pow::<Portable>(x, y), x.powf(y));
            assert!(
                got.to_bits() == exact.to_bits() || got.is_nan() && exact.is_nan(),
                "{x}^{y}: {got}, not {exact}"
            );
        }
    }
}

#[test]
fn edges_of_the_rest() {
    let nan = f32::NAN;
    let (inf, tiny) = (f32::INFINITY, 1e-45);
    let cases: [Edges<'_>; 10] = [
        (
            exp::<Portable>,
            &[(0.0, 1.0), (inf, inf), (-inf, 0.0), (nan, nan), (1e9, inf), (-1e9, 0.0), (tiny, 1.0)],
        ),
        (
            expm1::<Portable>,
            &[(0.0, 0.0), (inf, inf), (-inf, -1.0), (nan, nan), (tiny, tiny), (-100.0, -1.0)],
        ),
        (
            log::<Portable>,
            &[(0.0, -inf), (-0.0, -inf), (1.0, 0.0), (inf, inf), (-1.0, nan), (-inf, nan), (nan, nan)],
        ),
        (
            log1p::<Portable>,
            &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -inf), (inf, inf), (-2.0, nan), (nan, nan), (tiny, tiny)],
        ),
        (tanh::<Portable>, &[(0.0, 0.0), (inf, 1.0), (-inf, -1.0), (nan, nan), (tiny, tiny), (50.0, 1.0)]),
        (logistic::<Portable>, &[(0.0, 0.5), (inf, 1.0), (-inf, 0.0), (nan, nan)]),
        (erf::<Portable>, &[(0.0, 0.0), (inf, 1.0), (-inf, -1.0), (nan, nan), (tiny, tiny), (30.0, 1.0)]),
        (erf_inv::<Portable>, &[(0.0, 0.0), (1.0, inf), (-1.0, -inf), (1.5, nan), (-1.5, nan), (nan, nan)]),
        (sin::<Portable>, &[(0.0, 0.0), (-0.0, -0.0), (inf, nan), (nan, nan), (tiny, tiny)]),
        (cos::<Portable>, &[(0.0, 1.0), (-inf, nan), (nan, nan), (tiny, 1.0)]),
    ];
    for (case, (f, points)) in cases.into_iter().enumerate() {
        for &(x, y) in points {
            let got = f(x);
            assert!(
                got == y && got.is_sign_negative() == y.is_sign_negative() || got.is_nan() && y.is_nan(),
                "case {case}: f({x}) is {got}, not {y}"
            );
        }
    }
}
