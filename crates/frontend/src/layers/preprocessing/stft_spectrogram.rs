//! STFTSpectrogram: the spectrum of sound over time, by kernels that training may fit. Keras: `STFTSpectrogram`.

use std::sync::Arc;

use cornu_ir::{Expr, Tensor};
use serde_json::{Value, json};

use super::super::{Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, only};
use super::frames::{Window, fourier, framed, matrix};
use crate::EPSILON;
use crate::error::{Error, Result};
use crate::initializers::Constant;

/// What a spectrum is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpectrumMode {
    /// The logarithm of the magnitude.
    Log,
    /// The magnitude.
    Magnitude,
    /// The power, of both signs of each frequency.
    Psd,
    /// The real part.
    Real,
    /// The imaginary part.
    Imag,
    /// The phase.
    Angle,
    /// Real parts, then imaginary parts.
    Stft,
}

const MODES: [(&str, SpectrumMode); 7] = [
    ("log", SpectrumMode::Log),
    ("magnitude", SpectrumMode::Magnitude),
    ("psd", SpectrumMode::Psd),
    ("real", SpectrumMode::Real),
    ("imag", SpectrumMode::Imag),
    ("angle", SpectrumMode::Angle),
    ("stft", SpectrumMode::Stft),
];

/// Sound `(batch, time, channels)` to `(batch, frames, channels·frequencies)`.
///
/// Weights: `real_kernel` and `imag_kernel` `[frame_length, 1, fft_length / 2 + 1]`, which begin as the windowed
/// transform of Fourier; a mode that needs only one has only that.
#[derive(Clone, Debug)]
pub struct STFTSpectrogram {
    mode: SpectrumMode,
    frame_length: usize,
    frame_step: Option<usize>,
    fft_length: Option<usize>,
    window: Window,
    periodic: bool,
    scaling: Option<String>,
    same: bool,
    expand_dims: bool,
    data_format: DataFormat,
}

impl STFTSpectrogram {
    /// In this mode, of frames of this length.
    pub fn new(mode: SpectrumMode, frame_length: usize) -> STFTSpectrogram {
        STFTSpectrogram {
            mode,
            frame_length,
            frame_step: None,
            fft_length: None,
            window: Window::Hann,
            periodic: false,
            scaling: Some("density".to_string()),
            same: false,
            expand_dims: false,
            data_format: DataFormat::default(),
        }
    }

    /// A frame every `step` samples; by default half a frame.
    pub fn frame_step(mut self, step: usize) -> STFTSpectrogram {
        self.frame_step = Some(step);
        self
    }

    /// How many frequencies, of both signs; by default the next power of two.
    pub fn fft_length(mut self, length: usize) -> STFTSpectrogram {
        self.fft_length = Some(length);
        self
    }

    /// The weights of the samples of a frame, of one period or symmetric.
    pub fn window(mut self, window: Window, periodic: bool) -> STFTSpectrogram {
        (self.window, self.periodic) = (window, periodic);
        self
    }

    /// As many frames as steps fit into the sound, with silence around it.
    pub fn same_padding(mut self) -> STFTSpectrogram {
        self.same = true;
        self
    }

    /// Keeps channels and frequencies as axes of their own.
    pub fn expand_dims(mut self) -> STFTSpectrogram {
        self.expand_dims = true;
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<STFTSpectrogram> {
        let name = config.text("mode")?.unwrap_or("log");
        let mode = MODES.iter().find(|(known, _)| *known == name).map(|&(_, mode)| mode);
        let scaling = match config.text("scaling")? {
            None if config.is_null("scaling") => None,
            None => Some("density".to_string()),
            Some(name @ ("density" | "spectrum")) => Some(name.to_string()),
            Some(_) => return Err(config.wrong("scaling", "density, spectrum or null")),
        };
        let same = match config.text("padding")? {
            None | Some("valid") => false,
            Some("same") => true,
            Some(_) => return Err(config.wrong("padding", "valid or same")),
        };
        Ok(STFTSpectrogram {
            mode: mode.ok_or_else(|| Error::unknown("mode", name, MODES.map(|(name, _)| name)))?,
            frame_length: config.size("frame_length")?.unwrap_or(256),
            frame_step: config.size("frame_step")?,
            fft_length: config.size("fft_length")?,
            window: Window::read(config)?,
            periodic: config.boolean_or("periodic", false)?,
            scaling,
            same,
            expand_dims: config.boolean_or("expand_dims", false)?,
            data_format: DataFormat::from_config(config)?,
        })
    }

    fn step(&self) -> usize {
        self.frame_step.unwrap_or(self.frame_length / 2)
    }

    fn size(&self) -> usize {
        self.fft_length.unwrap_or_else(|| self.frame_length.next_power_of_two())
    }

    /// How the kernels begin.
    fn kernels(&self) -> [Tensor; 2] {
        let window = self.window.weights(self.frame_length, self.periodic);
        let scale = match (self.window, self.scaling.as_deref()) {
            (Window::None, _) | (_, None) => 1.0,
            (_, Some("spectrum")) => window.iter().map(|weight| weight.abs()).sum(),
            (_, Some(_)) => window.iter().map(|weight| weight * weight).sum::<f64>().sqrt(),
        };
        let window: Vec<f64> = window.into_iter().map(|weight| weight / scale).collect();
        let shape = [self.frame_length, 1, self.size() / 2 + 1];
        fourier(&window, self.size()).map(|part| matrix(shape, &part))
    }

    /// `(batch, channels, frames, frame_length)` of sound `(batch, channels, time)`.
    fn frames<'b>(&self, x: Expr<'b>) -> Result<Expr<'b>> {
        let (time, step) = (x.shape()[2], self.step());
        let (frames, before) = match (self.same, time >= self.frame_length) {
            (true, _) => {
                let frames = time.div_ceil(step);
                let missing = ((frames.max(1) - 1) * step + self.frame_length).saturating_sub(time);
                (frames, missing / 2)
            }
            (false, true) => ((time - self.frame_length) / step + 1, 0),
            (false, false) => {
                let needed = format!("sound of at least {} samples, as a frame has", self.frame_length);
                return Err(Error::Shape { what: "STFTSpectrogram".to_string(), needed, got: x.ty() });
            }
        };
        Ok(framed(x, frames, self.frame_length, step, |place| place as i32 - before as i32))
    }

    /// `(batch, channels, frames, frequencies)` in Keras's order of axes.
    fn arranged<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        let shape = x.shape();
        let [batch, channels, frames, frequencies] = [shape[0], shape[1], shape[2], shape[3]];
        match (self.data_format, self.expand_dims) {
            (DataFormat::ChannelsLast, true) => x.transpose(&[0, 2, 3, 1]),
            (DataFormat::ChannelsLast, false) => {
                x.transpose(&[0, 2, 1, 3]).reshape([batch, frames, channels * frequencies])
            }
            (DataFormat::ChannelsFirst, true) => x,
            (DataFormat::ChannelsFirst, false) => {
                x.transpose(&[0, 1, 3, 2]).reshape([batch, channels * frequencies, frames])
            }
        }
    }
}

/// Every frequency but the first and the last counts twice: once for each sign.
fn both_signs(power: Expr<'_>) -> Expr<'_> {
    let frequencies = power.shape()[3];
    let times: Vec<f32> =
        (0..frequencies).map(|i| if i == 0 || i + 1 == frequencies { 1.0 } else { 2.0 }).collect();
    power * power.constant(Tensor::vector(times)).cast(power.dtype()).broadcast_leading(&power.shape())
}

impl Layer for STFTSpectrogram {
    fn class_name(&self) -> &str {
        "STFTSpectrogram"
    }

    fn config(&self) -> Result<Config> {
        let mode = MODES.iter().find(|(_, mode)| *mode == self.mode).map(|&(name, _)| name);
        let mut config = Config::new();
        config.insert("mode".into(), json!(mode));
        config.insert("frame_length".into(), json!(self.frame_length));
        config.insert("frame_step".into(), json!(self.frame_step));
        config.insert("fft_length".into(), json!(self.fft_length));
        config.insert("window".into(), self.window.json());
        config.insert("periodic".into(), json!(self.periodic));
        config.insert("scaling".into(), self.scaling.as_ref().map_or(Value::Null, |name| json!(name)));
        config.insert("padding".into(), json!(if self.same { "same" } else { "valid" }));
        self.data_format.write(&mut config);
        config.insert("expand_dims".into(), json!(self.expand_dims));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let input = only(inputs)?;
        if input.rank() != 3 {
            let reason = format!("takes sound, (batch, time, channels); it got {input}");
            return Err(Error::Layer { path: String::new(), reason });
        }
        let wrong = |key: &str, given: usize, needed: String| {
            Err(Error::config("STFTSpectrogram", key, given, needed))
        };
        if self.frame_length == 0 {
            return wrong("frame_length", 0, "1 or more".to_string());
        }
        if !(1..=self.frame_length).contains(&self.step()) {
            return wrong("frame_step", self.step(), format!("from 1 to {}", self.frame_length));
        }
        if self.size() < self.frame_length || self.size() % 2 == 1 {
            let needed = format!("an even number of at least {}, as `frame_length` is", self.frame_length);
            return wrong("fft_length", self.size(), needed);
        }
        let shape = [self.frame_length, 1, self.size() / 2 + 1];
        let [real, imaginary] = self.kernels();
        if self.mode != SpectrumMode::Imag {
            weights.add("real_kernel", shape, Arc::new(Constant::array(real)))?;
        }
        if self.mode != SpectrumMode::Real {
            weights.add("imag_kernel", shape, Arc::new(Constant::array(imaginary)))?;
        }
        Ok(())
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let x = if self.data_format == DataFormat::ChannelsLast { x.transpose(&[0, 2, 1]) } else { x };
        let frames = self.frames(x)?;
        let part = |name: &str| Ok::<Expr<'b>, Error>(frames.matmul(context.weight(name)?.squeeze(&[1])));
        let parts = || Ok::<_, Error>((part("real_kernel")?, part("imag_kernel")?));
        let power = || parts().map(|(real, imaginary)| real.square() + imaginary.square());
        let magnitude = || power().map(|power| power.max(power.number(EPSILON)).sqrt());
        let output = match self.mode {
            SpectrumMode::Real => part("real_kernel")?,
            SpectrumMode::Imag => part("imag_kernel")?,
            SpectrumMode::Angle => {
                let (real, imaginary) = parts()?;
                imaginary.atan2(real)
            }
            SpectrumMode::Stft => {
                let (real, imaginary) = parts()?;
                Expr::concat(&[real, imaginary], 3)
            }
            SpectrumMode::Psd => both_signs(power()?),
            SpectrumMode::Magnitude => magnitude()?,
            SpectrumMode::Log => {
                let magnitude = magnitude()?;
                magnitude.max(magnitude.number(EPSILON)).log()
            }
        };
        Ok(vec![self.arranged(output)])
    }
}
