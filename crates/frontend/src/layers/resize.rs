//! Resizing along two axes by interpolation: a product with a constant matrix of weights for each axis.

use std::f64::consts::PI;

use cornu_ir::{DType, Expr, Tensor, Type};

use crate::error::{Error, Result};

/// How the value between samples is found. Keras: the argument `interpolation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Interpolation {
    /// The sample whose cell the place lies in.
    #[default]
    Nearest,
    /// Linear between two neighbours.
    Bilinear,
    /// Keys's cubic convolution with a = -1/2, over four neighbours.
    Bicubic,
    /// A windowed sinc over six neighbours.
    Lanczos3,
    /// A windowed sinc over ten neighbours.
    Lanczos5,
}

impl Interpolation {
    const NAMES: [(&'static str, Interpolation); 5] = [
        ("nearest", Interpolation::Nearest),
        ("bilinear", Interpolation::Bilinear),
        ("bicubic", Interpolation::Bicubic),
        ("lanczos3", Interpolation::Lanczos3),
        ("lanczos5", Interpolation::Lanczos5),
    ];

    /// By Keras's name, in whatever case.
    pub(crate) fn named(name: &str) -> Result<Interpolation> {
        let lower = name.to_lowercase();
        let found = Interpolation::NAMES.iter().find(|(known, _)| *known == lower);
        found
            .map(|&(_, interpolation)| interpolation)
            .ok_or_else(|| Error::unknown("interpolation", name, Interpolation::NAMES.map(|(name, _)| name)))
    }

    /// Keras's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Interpolation::Nearest => "nearest",
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
            Interpolation::Lanczos3 => "lanczos3",
            Interpolation::Lanczos5 => "lanczos5",
        }
    }

    /// The weight of a sample `distance` cells away.
    fn weight(self, distance: f64) -> f64 {
        match self {
            // Its cell is found without weights.
            Interpolation::Nearest => f64::from(u8::from(distance <= 0.5)),
            Interpolation::Bilinear => (1.0 - distance).max(0.0),
            Interpolation::Bicubic => cubic(distance),
            Interpolation::Lanczos3 => lanczos(distance, 3.0),
            Interpolation::Lanczos5 => lanczos(distance, 5.0),
        }
    }
}

/// Keys 1981, "Cubic convolution interpolation for digital image processing".
fn cubic(x: f64) -> f64 {
    match x {
        x if x >= 2.0 => 0.0,
        x if x >= 1.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        x => (1.5 * x - 2.5) * x * x + 1.0,
    }
}

/// sinc(x)·sinc(x / radius) within the radius.
fn lanczos(x: f64, radius: f64) -> f64 {
    match x {
        x if x > radius => 0.0,
        x if x <= 1e-3 => 1.0,
        x => radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * x).powi(2),
    }
}

/// `x` with other sizes along two axes. The centres of cells are half a cell inside, as everywhere in Keras 3. With
/// `antialias` a smaller picture averages over all cells that fall into one.
///
/// Floats, but for [`Interpolation::Nearest`], which moves elements of any type.
pub(crate) fn resize<'b>(
    x: Expr<'b>,
    axes: [usize; 2],
    sizes: [usize; 2],
    interpolation: Interpolation,
    antialias: bool,
) -> Expr<'b> {
    axes.into_iter().zip(sizes).fold(x, |x, (axis, size)| {
        let from = x.shape().get(axis).copied().unwrap_or(size);
        if from == size {
            return x;
        }
        match interpolation {
            Interpolation::Nearest => x.gather(x.constant(nearest(from, size)), axis, 0),
            Interpolation::Bilinear
            | Interpolation::Bicubic
            | Interpolation::Lanczos3
            | Interpolation::Lanczos5 => {
                weighted(x, axis, &weights(from, size, interpolation, antialias), size)
            }
        }
    })
}

/// For each place in the result the cell it is in. In 32 bits, for Keras's rounding is part of the answer.
fn nearest(from: usize, to: usize) -> Tensor {
    let cell = |place: usize| ((place as f32 + 0.5) * from as f32 / to as f32).floor() as i32;
    Tensor::vector((0..to).map(cell).collect())
}

/// `[from, to]`: what each sample counts for each place in the result.
fn weights(from: usize, to: usize, interpolation: Interpolation, antialias: bool) -> Vec<f64> {
    let cells = from as f64 / to as f64;
    let width = if antialias { cells.max(1.0) } else { 1.0 };
    let mut matrix = vec![0.0; from * to];
    for place in 0..to {
        let centre = (place as f64 + 0.5) * cells - 0.5;
        let weight = |sample: usize| interpolation.weight((centre - sample as f64).abs() / width);
        let total: f64 = (0..from).map(weight).sum();
        // At the border some neighbours are missing: the others share their weight.
        if total.abs() > 1000.0 * f64::from(f32::EPSILON) {
            (0..from).for_each(|sample| matrix[sample * to + place] = weight(sample) / total);
        }
    }
    matrix
}

/// The axis replaced by the sums of its elements times these weights.
fn weighted<'b>(x: Expr<'b>, axis: usize, weights: &[f64], size: usize) -> Expr<'b> {
    let x = if x.dtype().is_float() { x } else { x.cast(DType::F32) };
    let ty = Type::new(x.dtype(), [weights.len() / size, size]);
    let rank = x.rank();
    let last: Vec<usize> = (0..rank).filter(|&other| other != axis).chain([axis]).collect();
    let back: Vec<usize> = (0..axis).chain([rank - 1]).chain(axis..rank - 1).collect();
    x.transpose(&last).matmul(x.constant(Tensor::from_floats(&ty, weights.iter().copied()))).transpose(&back)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that jax.image.resize gives for eight samples made three, with and without antialiasing.
    #[test]
    fn a_smaller_picture_is_that_of_jax() {
        let samples = [0.0, 1.0, 4.0, 9.0, 16.0, 25.0, 36.0, 49.0];
        let value = |interpolation, antialias, place: usize| -> f64 {
            let matrix = weights(8, 3, interpolation, antialias);
            samples.iter().enumerate().map(|(sample, x)| x * matrix[sample * 3 + place]).sum()
        };
        let expected = [
            (Interpolation::Bilinear, false, [0.83333, 12.5, 38.16667]),
            (Interpolation::Bilinear, true, [2.05263, 13.45238, 35.57895]),
            (Interpolation::Bicubic, false, [0.69794, 12.25, 38.32495]),
            (Interpolation::Bicubic, true, [1.03579, 12.71856, 37.48528]),
            (Interpolation::Lanczos3, false, [0.72627, 12.25, 38.73479]),
            (Interpolation::Lanczos3, true, [0.65746, 12.25, 38.30146]),
            (Interpolation::Lanczos5, false, [0.70919, 11.93158, 38.93381]),
            (Interpolation::Lanczos5, true, [0.89410, 11.99336, 38.46080]),
        ];
        for (interpolation, antialias, values) in expected {
            for (place, expected) in values.into_iter().enumerate() {
                let got = value(interpolation, antialias, place);
                assert!((got - expected).abs() < 1e-4, "{interpolation:?}: {got}, jax gives {expected}");
            }
        }
    }
}
