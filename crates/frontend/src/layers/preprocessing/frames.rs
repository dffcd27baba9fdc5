//! Frames: windows over sound, and the transform of Fourier as products with constant matrices.

use std::f64::consts::TAU;

use cornu_ir::{Expr, Tensor};
use serde_json::{Value, json};

use super::super::LayerConfig;
use super::output_mode::built;
use crate::error::Result;

/// What the samples of a frame are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// By 1.
    None,
    /// Hann's: half a cosine above 0.
    Hann,
    /// Hamming's: a Hann window that does not reach 0.
    Hamming,
}

impl Window {
    pub(super) fn read(config: &LayerConfig<'_>) -> Result<Window> {
        match config.text("window")? {
            None if config.is_null("window") => Ok(Window::None),
            None | Some("hann") => Ok(Window::Hann),
            Some("hamming") => Ok(Window::Hamming),
            Some(_) => Err(config.wrong("window", "hann, hamming or null")),
        }
    }

    pub(super) fn json(self) -> Value {
        match self {
            Window::None => Value::Null,
            Window::Hann => json!("hann"),
            Window::Hamming => json!("hamming"),
        }
    }

    /// The weights of `length` samples: of one period, or symmetric.
    pub(super) fn weights(self, length: usize, periodic: bool) -> Vec<f64> {
        let period = if periodic { length } else { length.saturating_sub(1).max(1) } as f64;
        let raised = |base: f64, place: usize| match length {
            1 => 1.0,
            _ => base - (1.0 - base) * (TAU * place as f64 / period).cos(),
        };
        let weight = |place| match self {
            Window::None => 1.0,
            Window::Hann => raised(0.5, place),
            Window::Hamming => raised(0.54, place),
        };
        (0..length).map(weight).collect()
    }
}

/// `[samples, size / 2 + 1]`: cosines (real part) and sines (imaginary part) of all frequencies, windowed.
pub(super) fn fourier(window: &[f64], size: usize) -> [Vec<f64>; 2] {
    let frequencies = size / 2 + 1;
    let matrix = |wave: fn(f64) -> f64| {
        let entry = |i: usize| {
            let (sample, frequency) = (i / frequencies, i % frequencies);
            // The angle modulo a full turn, which keeps long frames exact.
            wave(-TAU * ((sample * frequency) % size) as f64 / size as f64) * window[sample]
        };
        (0..window.len() * frequencies).map(entry).collect()
    };
    [matrix(f64::cos), matrix(f64::sin)]
}

/// A matrix of `rows` as a tensor of `f32`.
pub(super) fn matrix(shape: impl Into<cornu_ir::Shape>, values: &[f64]) -> Tensor {
    built(shape, values.iter().map(|&value| value as f32).collect())
}

/// `(…, time)` cut into frames `(…, frames, length)`. `sample` maps a place, from the first frame's beginning, to the
/// sample there; outside of the sound all is 0.
pub(super) fn framed<'b>(
    x: Expr<'b>,
    frames: usize,
    length: usize,
    step: usize,
    sample: impl Fn(usize) -> i32,
) -> Expr<'b> {
    let places = (0..frames * length).map(|i| sample(i / length * step + i % length)).collect();
    x.gather(x.constant(built([frames, length], places)), x.rank() - 1, 0)
}
