//! MelSpectrogram: how loud sound is at each time and pitch. Keras: `MelSpectrogram`.

use cornu_ir::ops::Reduction;
use cornu_ir::{DType, Expr};
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use super::frames::{Window, fourier, framed, matrix};
use crate::error::{Error, Result};

/// Sound `(batch, time)`, or `(time,)`, to `(batch, num_mel_bins, frames)`: magnitudes of the windowed Fourier
/// transform, summed over bands that are equally wide on the mel scale, in decibels.
#[derive(Clone, Debug)]
pub struct MelSpectrogram {
    fft_length: usize,
    sequence_stride: usize,
    sequence_length: usize,
    window: Window,
    sampling_rate: f64,
    num_mel_bins: usize,
    min_freq: f64,
    max_freq: f64,
    power_to_db: bool,
    top_db: f64,
    mag_exp: f64,
    min_power: f64,
    ref_power: f64,
}

impl MelSpectrogram {
    /// Keras's defaults: frames of 2048 samples every 512, 128 bands between 20 Hz and 8 kHz, of 16000 samples a
    /// second.
    pub fn new() -> MelSpectrogram {
        MelSpectrogram {
            fft_length: 2048,
            sequence_stride: 512,
            sequence_length: 2048,
            window: Window::Hann,
            sampling_rate: 16000.0,
            num_mel_bins: 128,
            min_freq: 20.0,
            max_freq: 8000.0,
            power_to_db: true,
            top_db: 80.0,
            mag_exp: 2.0,
            min_power: 1e-10,
            ref_power: 1.0,
        }
    }

    /// Frames of this many samples, of which `window` are weighed, every `stride` samples.
    pub fn frames(mut self, fft_length: usize, window: usize, stride: usize) -> MelSpectrogram {
        (self.fft_length, self.sequence_length, self.sequence_stride) = (fft_length, window, stride);
        self
    }

    /// The weights of the samples of a frame.
    pub fn window(mut self, window: Window) -> MelSpectrogram {
        self.window = window;
        self
    }

    /// This many samples a second; bands go up to half as many hertz.
    pub fn sampling_rate(mut self, rate: f64) -> MelSpectrogram {
        (self.sampling_rate, self.max_freq) = (rate, (rate / 2.0).trunc());
        self
    }

    /// This many bands between two frequencies in hertz.
    pub fn bands(mut self, count: usize, min_freq: f64, max_freq: f64) -> MelSpectrogram {
        (self.num_mel_bins, self.min_freq, self.max_freq) = (count, min_freq, max_freq);
        self
    }

    /// Whether the output is in decibels.
    pub fn power_to_db(mut self, decibels: bool) -> MelSpectrogram {
        self.power_to_db = decibels;
        self
    }

    /// How far below the loudest value of the batch the quietest may be, in decibels.
    pub fn top_db(mut self, decibels: f64) -> MelSpectrogram {
        self.top_db = decibels;
        self
    }

    /// The power that magnitudes are raised to: 1 for energy, 2 for power.
    pub fn mag_exp(mut self, exponent: f64) -> MelSpectrogram {
        self.mag_exp = exponent;
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<MelSpectrogram> {
        let size = |key: &str, default: usize| Ok::<usize, Error>(config.size(key)?.unwrap_or(default));
        let fft_length = size("fft_length", 2048)?;
        let sampling_rate = config.number_or("sampling_rate", 16000.0)?;
        Ok(MelSpectrogram {
            fft_length,
            sequence_stride: size("sequence_stride", 512)?,
            sequence_length: size("sequence_length", fft_length)?,
            window: Window::read(config)?,
            sampling_rate,
            num_mel_bins: size("num_mel_bins", 128)?,
            min_freq: config.number_or("min_freq", 20.0)?,
            max_freq: config.number_or("max_freq", (sampling_rate / 2.0).trunc())?,
            power_to_db: config.boolean_or("power_to_db", true)?,
            top_db: config.number_or("top_db", 80.0)?,
            mag_exp: config.number_or("mag_exp", 2.0)?,
            min_power: config.number_or("min_power", 1e-10)?,
            ref_power: config.number_or("ref_power", 1.0)?,
        })
    }

    /// `(…, frames, fft_length / 2 + 1)`: real and imaginary parts.
    fn transform<'b>(&self, x: Expr<'b>) -> [Expr<'b>; 2] {
        let time = x.shape().last().copied().unwrap_or(0);
        let (size, border) = (self.fft_length, self.fft_length / 2);
        let frames = (time + 2 * border - size) / self.sequence_stride + 1;
        // Mirrored at both ends, the first and the last sample not repeated.
        let sample = |place: usize| {
            let period = 2 * (time as i64 - 1);
            let place = (place as i64 - border as i64).rem_euclid(period);
            place.min(period - place) as i32
        };
        let framed = framed(x, frames, size, self.sequence_stride, sample);
        let left = (size - self.sequence_length) / 2;
        let mut window = vec![0.0; size];
        window[left..left + self.sequence_length]
            .copy_from_slice(&self.window.weights(self.sequence_length, true));
        fourier(&window, size).map(|part| framed.matmul(x.constant(matrix([size, size / 2 + 1], &part))))
    }

    /// `[frequencies, bands]`: triangles over three neighbouring edges on the mel scale. The lowest frequency is left
    /// out.
    fn bands_matrix(&self) -> Vec<f64> {
        let mel = |hertz: f64| 1127.0 * (1.0 + hertz / 700.0).ln();
        let frequencies = self.fft_length / 2 + 1;
        let (low, high) = (mel(self.min_freq), mel(self.max_freq));
        let edge = |i: usize| low + (high - low) * i as f64 / (self.num_mel_bins + 1) as f64;
        let weight = |i: usize| {
            let (frequency, band) = (i / self.num_mel_bins, i % self.num_mel_bins);
            if frequency == 0 {
                return 0.0;
            }
            let at = mel(self.sampling_rate / 2.0 * frequency as f64 / (frequencies - 1) as f64);
            let rising = (at - edge(band)) / (edge(band + 1) - edge(band));
            let falling = (edge(band + 2) - at) / (edge(band + 2) - edge(band + 1));
            rising.min(falling).max(0.0)
        };
        (0..frequencies * self.num_mel_bins).map(weight).collect()
    }

    /// Powers in decibels, no lower than `top_db` below the loudest.
    fn decibels<'b>(&self, power: Expr<'b>) -> Expr<'b> {
        let reference = 10.0 * self.ref_power.abs().max(self.min_power).log10();
        let log =
            power.max(power.number(self.min_power)).log() * (10.0 / std::f64::consts::LN_10) - reference;
        let axes: Vec<usize> = (0..log.rank()).collect();
        log.max(log.reduce(Reduction::Max, &axes) - self.top_db)
    }

    fn check(&self) -> Result<()> {
        let positive = [
            ("fft_length", self.fft_length),
            ("sequence_stride", self.sequence_stride),
            ("sequence_length", self.sequence_length),
            ("num_mel_bins", self.num_mel_bins),
        ];
        if let Some((key, _)) = positive.into_iter().find(|&(_, size)| size == 0) {
            return Err(Error::config("MelSpectrogram", key, 0, "1 or more"));
        }
        if self.fft_length < self.sequence_length {
            let needed = format!("at least {}, as `sequence_length` is", self.sequence_length);
            return Err(Error::config("MelSpectrogram", "fft_length", self.fft_length, needed));
        }
        Ok(())
    }
}

impl Default for MelSpectrogram {
    fn default() -> MelSpectrogram {
        MelSpectrogram::new()
    }
}

impl Layer for MelSpectrogram {
    fn class_name(&self) -> &str {
        "MelSpectrogram"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("fft_length".into(), json!(self.fft_length));
        config.insert("sequence_stride".into(), json!(self.sequence_stride));
        config.insert("sequence_length".into(), json!(self.sequence_length));
        config.insert("window".into(), self.window.json());
        config.insert("sampling_rate".into(), json!(self.sampling_rate));
        config.insert("num_mel_bins".into(), json!(self.num_mel_bins));
        config.insert("min_freq".into(), json!(self.min_freq));
        config.insert("max_freq".into(), json!(self.max_freq));
        config.insert("power_to_db".into(), json!(self.power_to_db));
        config.insert("top_db".into(), json!(self.top_db));
        config.insert("mag_exp".into(), json!(self.mag_exp));
        config.insert("min_power".into(), json!(self.min_power));
        config.insert("ref_power".into(), json!(self.ref_power));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        let input = only(inputs)?;
        self.check()?;
        match input.last() {
            Some(time) if input.rank() <= 2 && time > self.fft_length / 2 => Ok(()),
            _ if input.rank() <= 2 && input.rank() > 0 && input.last().is_none() => Ok(()),
            Some(_) | None => {
                let longer = self.fft_length / 2;
                let reason =
                    format!("takes sound, (batch, time), of more than {longer} samples; it got {input}");
                Err(Error::Layer { path: String::new(), reason })
            }
        }
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?.cast(DType::F32);
        let time = x.shape().last().copied().unwrap_or(0);
        if time <= self.fft_length / 2 {
            let reason = format!("needs more than {} samples; it got {}", self.fft_length / 2, x.ty());
            return Err(Error::Layer { path: context.path(), reason });
        }
        let [real, imaginary] = self.transform(x);
        let magnitude = (real.square() + imaginary.square()).sqrt();
        let power = magnitude.pow(magnitude.number(self.mag_exp));
        let bands = matrix([self.fft_length / 2 + 1, self.num_mel_bins], &self.bands_matrix());
        let mut sums = power.matmul(x.constant(bands));
        if self.power_to_db {
            sums = self.decibels(sums);
        }
        let rank = sums.rank();
        let order: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
        Ok(vec![sums.transpose(&order)])
    }
}
