//! RandomPosterization: images with fewer bits. Keras: `RandomPosterization`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, keeps the upper bits of each value: a random number of them, of 8.
#[derive(Clone, Debug)]
pub struct RandomPosterization {
    factor: Factor,
    settings: Settings,
}

impl RandomPosterization {
    /// From 1 up to this number of bits, exclusive, or between two numbers; two equal ones fix it.
    pub fn new(factor: impl Into<Factor>) -> RandomPosterization {
        RandomPosterization { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomPosterization> {
        Ok(RandomPosterization {
            factor: Factor::read_or_zero(config, "factor")?,
            settings: Settings::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomPosterization", "factor", (1.0, 8.0))
    }
}

image_layer!(RandomPosterization, seed, value_range);

impl ImageLayer for RandomPosterization {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("factor".into(), json!(self.range()?));
        self.settings.write_range(config);
        self.settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.range().map(drop)
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let (low, high) = self.range()?;
        let bits = draw.each((low, high))?.floor();
        // A step is 2^(8 - bits): what lies below it goes.
        let step = (0..8).fold(bits.full_like(1.0), |step, bit| {
            step * bits.le(bits.number(f64::from(bit))).select(bits.full_like(2.0), bits.full_like(1.0))
        });
        let bytes = self.settings.scaled(images, 255.0).floor();
        Ok(self.settings.scaled_back((bytes / step).floor() * step, 255.0))
    }
}
