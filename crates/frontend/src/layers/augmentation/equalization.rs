//! Equalization: values spread so that all occur about equally often. Keras: `Equalization`.

use cornu_ir::ops::{Reduction, Scatter, ScatterKind};
use cornu_ir::{DType, Expr, Type};
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::image_layer::{ImageKind, ImageLayer, Ranged};
use super::settings::Settings;
use crate::error::{Error, Result};

/// In training, maps the values of each channel by their cumulative histogram, which, as in Keras, is that of the whole
/// batch.
pub type Equalization = ImageLayer<Equalize>;

/// The kind of [`Equalization`].
#[derive(Clone, Debug)]
pub struct Equalize {
    bins: usize,
}

impl Equalization {
    /// With a histogram of 256 bins.
    pub fn new() -> Equalization {
        ImageLayer::of(Equalize { bins: 256 })
    }

    /// How many bins the histogram has.
    pub fn bins(mut self, bins: usize) -> Equalization {
        self.kind.bins = bins;
        self
    }
}

impl Equalize {
    /// `(channels, bins)`: how often the values of each bin occur, given each value's bin, `(values, channels)`.
    fn histogram<'b>(&self, bins: Expr<'b>) -> Expr<'b> {
        let (values, channels) = (bins.shape()[0], bins.shape()[1]);
        let channel = bins.builder().iota(bins.ty(), 1);
        let place = (channel * bins.number(self.bins as f64) + bins).reshape([values * channels]);
        let counts = bins.builder().full(&Type::new(DType::F32, [channels * self.bins]), 0.0);
        let ones = bins.builder().full(&Type::new(DType::F32, [values * channels]), 1.0);
        let scatter = Scatter { kind: ScatterKind::Add, axis: 0, batch: 0 };
        counts.scatter(place, ones, scatter).reshape([channels, self.bins])
    }

    /// `(channels, bins)`: the new value of each bin.
    fn table<'b>(&self, histogram: Expr<'b>) -> Expr<'b> {
        let below = histogram.cumulative(Reduction::Sum, 1, false);
        let total = below.slice_axis(1, self.bins - 1, self.bins);
        // What lies in the first bin that is not empty.
        let first = below.gt(below.number(0.0)).select(below, below.full_like(f64::from(f32::MAX)));
        let first = first.reduce(Reduction::Min, &[1]).expand(1);
        let others = total - first;
        let others = others.eq(others.number(0.0)).select(others.full_like(1.0), others);
        ((below - first) * 255.0 / others).round().clip(0.0, 255.0)
    }
}

impl Default for Equalization {
    fn default() -> Equalization {
        Equalization::new()
    }
}

impl ImageKind for Equalize {
    const CLASS: &'static str = "Equalization";

    fn from_config(config: &LayerConfig<'_>) -> Result<Equalize> {
        let bins = config.size("bins")?.unwrap_or(256);
        Ok(Equalize { bins })
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        config.insert("bins".into(), json!(self.bins));
        settings.write_range(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        match self.bins {
            0 => Err(Error::config(Self::CLASS, "bins", 0, "1 or more")),
            _ => Ok(()),
        }
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let shape = images.shape();
        let (channels, last) = (shape[3], self.bins as f64 - 1.0);
        let values = shape[0] * shape[1] * shape[2];
        let bytes = draw.settings.scaled(images, 255.0).reshape([values, channels]);
        let bin = |scaled: Expr<'b>| scaled.clip(0.0, last).floor().cast(DType::I32);
        let histogram = self.histogram(bin(bytes * last / 255.0));
        let place = bin(bytes / 255.0 * last);
        let channel = place.builder().iota(place.ty(), 1);
        let place = channel * place.number(self.bins as f64) + place;
        let table = self.table(histogram).reshape([channels * self.bins]);
        let equalized = table.gather(place, 0, 0);
        let used = histogram.gt(histogram.number(0.0)).cast(DType::F32).sum(&[1]);
        let flat = used.le(used.number(1.0)).broadcast_leading(&bytes.shape());
        Ok(draw.settings.scaled_back(flat.select(bytes, equalized), 255.0).reshape(shape))
    }
}

impl Ranged for Equalize {}
