//! RandomInvert: negatives of images. Keras: `RandomInvert`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, replaces each image by its negative with a random probability.
#[derive(Clone, Debug)]
pub struct RandomInvert {
    factor: Factor,
    settings: Settings,
}

impl RandomInvert {
    /// With a probability up to this number, or between two, from 0 to 1.
    pub fn new(factor: impl Into<Factor>) -> RandomInvert {
        RandomInvert { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomInvert> {
        Ok(RandomInvert {
            factor: Factor::read(config, "factor")?.unwrap_or(Factor::UpTo(1.0)),
            settings: Settings::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomInvert", "factor", (0.0, 1.0))
    }
}

image_layer!(RandomInvert, seed, value_range);

impl ImageLayer for RandomInvert {
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
        let inverted = draw.chance(self.range()?)?;
        Ok(inverted.select(self.settings.value_range.1 - images, images))
    }
}
