//! Stft: the kernel of a convolution that computes a short-time Fourier transform.

use std::f64::consts::PI;

use cornu_ir::{Tensor, Type};
use serde_json::{Map, Value, json};

use crate::config::Arguments;
use crate::error::{Error, Result};
use crate::initializers::Initializer;

/// Which half of the complex kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Cosines.
    Real,
    /// Negated sines.
    Imag,
}

/// What the windowed kernel is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// √Σw²: power spectral density.
    Density,
    /// Σ|w|: power spectrum.
    Spectrum,
}

/// The weight of each sample of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// ½ - ½cos
    Hann,
    /// 0.54 - 0.46cos
    Hamming,
    /// 0.42 - 0.5cos + 0.08cos2
    Blackman,
    /// All 1.
    Boxcar,
    /// Given, one number for each sample.
    Samples(Vec<f64>),
}

impl Window {
    const NAMED: [(&str, Window); 6] = [
        ("hann", Window::Hann),
        ("hamming", Window::Hamming),
        ("blackman", Window::Blackman),
        ("boxcar", Window::Boxcar),
        ("rectangular", Window::Boxcar),
        ("rect", Window::Boxcar),
    ];

    fn config(&self) -> Value {
        let name = Window::NAMED.iter().find(|(_, window)| window == self).map(|(name, _)| *name);
        match self {
            Window::Hann | Window::Hamming | Window::Blackman | Window::Boxcar => json!(name),
            Window::Samples(samples) => json!(samples),
        }
    }

    /// The weights of a frame. A periodic window is one sample short of a symmetric one that is one longer.
    fn samples(&self, length: usize, periodic: bool) -> Vec<f64> {
        let cosines: &[f64] = match self {
            Window::Hann => &[0.5, -0.5],
            Window::Hamming => &[0.54, -0.46],
            Window::Blackman => &[0.42, -0.5, 0.08],
            Window::Boxcar => &[1.0],
            Window::Samples(samples) => return samples.clone(),
        };
        let turn = 2.0 * PI / ((length + usize::from(periodic)).saturating_sub(1).max(1)) as f64;
        let term = |i: usize, k: usize, c: f64| c * libm::cos(turn * (i * k) as f64);
        (0..length)
            .map(|i| {
                if length == 1 { 1.0 } else { cosines.iter().enumerate().map(|(k, &c)| term(i, k, c)).sum() }
            })
            .collect()
    }
}

/// Weight `[frame_length, 1, fft_length/2 + 1]`: one windowed wave for each frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct Stft {
    side: Side,
    window: Option<Window>,
    scaling: Option<Scaling>,
    periodic: bool,
}

impl Stft {
    /// With Keras's defaults: a symmetric Hann window, scaled to density.
    pub fn new(side: Side) -> Stft {
        Stft { side, window: Some(Window::Hann), scaling: Some(Scaling::Density), periodic: false }
    }

    /// The window; without one there is no scaling either.
    pub fn window(mut self, window: Option<Window>) -> Stft {
        self.window = window;
        self
    }

    /// The scaling.
    pub fn scaling(mut self, scaling: Option<Scaling>) -> Stft {
        self.scaling = scaling;
        self
    }

    /// A window that continues itself instead of one that is symmetric.
    pub fn periodic(mut self, periodic: bool) -> Stft {
        self.periodic = periodic;
        self
    }

    pub(super) fn from_config(arguments: &Arguments) -> Result<Stft> {
        let side = match arguments.text("side")?.unwrap_or("real") {
            "real" => Side::Real,
            "imag" => Side::Imag,
            _ => return Err(arguments.wrong("side", "`real` or `imag`")),
        };
        Ok(Stft {
            side,
            window: window_from(arguments)?,
            scaling: scaling_from(arguments)?,
            periodic: arguments.boolean_or("periodic", false)?,
        })
    }
}

/// `window` is null for none; only where the key is absent it is Hann's.
fn window_from(arguments: &Arguments) -> Result<Option<Window>> {
    if arguments.is_null("window") {
        return Ok(None);
    }
    if let Some(Value::Array(_)) = arguments.value("window") {
        return Ok(arguments.numbers("window")?.map(Window::Samples));
    }
    let name = arguments.text("window")?.unwrap_or("hann");
    let found = Window::NAMED.into_iter().find(|(known, _)| *known == name);
    let known = Window::NAMED.map(|(known, _)| known).join(", ");
    let needed = || format!("null, a list of numbers or one of {known}");
    found.map(|(_, window)| Some(window)).ok_or_else(|| arguments.wrong("window", needed()))
}

fn scaling_from(arguments: &Arguments) -> Result<Option<Scaling>> {
    if arguments.is_null("scaling") {
        return Ok(None);
    }
    match arguments.text("scaling")?.unwrap_or("density") {
        "density" => Ok(Some(Scaling::Density)),
        "spectrum" => Ok(Some(Scaling::Spectrum)),
        _ => Err(arguments.wrong("scaling", "null, `density` or `spectrum`")),
    }
}

impl Initializer for Stft {
    fn class_name(&self) -> &str {
        "STFT"
    }

    fn config(&self) -> Map<String, Value> {
        let side = match self.side {
            Side::Real => "real",
            Side::Imag => "imag",
        };
        let scaling = self.scaling.map(|scaling| match scaling {
            Scaling::Density => "density",
            Scaling::Spectrum => "spectrum",
        });
        Map::from_iter([
            ("side".to_string(), json!(side)),
            ("window".to_string(), self.window.as_ref().map_or(Value::Null, Window::config)),
            ("periodic".to_string(), json!(self.periodic)),
            ("scaling".to_string(), json!(scaling)),
        ])
    }

    fn generate(&self, ty: &Type, _: u64) -> Result<Tensor> {
        let [length, channels, frequencies] = ty.shape[..] else {
            let needed = "a weight [frame_length, channels, fft_length/2 + 1]".into();
            return Err(Error::Shape { what: "STFT".into(), needed, got: ty.clone() });
        };
        let window = self.scaled_window(length, ty)?;
        let fft_length = (2 * frequencies.saturating_sub(1)) as f64;
        let wave = |time: usize, frequency: usize| {
            let angle = -2.0 * PI * (time * frequency) as f64 / fft_length;
            match self.side {
                Side::Real => libm::cos(angle),
                Side::Imag => libm::sin(angle),
            }
        };
        let at = |i: usize| (i / (channels * frequencies), i % frequencies);
        let values = (0..ty.elements()).map(at).map(|(time, frequency)| wave(time, frequency) * window[time]);
        Ok(Tensor::from_floats(ty, values))
    }
}

impl Stft {
    fn scaled_window(&self, length: usize, ty: &Type) -> Result<Vec<f64>> {
        let Some(window) = &self.window else { return Ok(vec![1.0; length]) };
        let samples = window.samples(length, self.periodic);
        if samples.len() != length {
            let needed = format!("a frame as long as its window, which has {} samples", samples.len());
            return Err(Error::Shape { what: "STFT".into(), needed, got: ty.clone() });
        }
        let divisor = match self.scaling {
            Some(Scaling::Density) => samples.iter().map(|w| w * w).sum::<f64>().sqrt(),
            Some(Scaling::Spectrum) => samples.iter().map(|w| w.abs()).sum(),
            None => 1.0,
        };
        Ok(samples.into_iter().map(|w| w / divisor).collect())
    }
}
