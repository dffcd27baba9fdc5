//! RandomBrightness: images lighter or darker. Keras: `RandomBrightness`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, adds to each image a random share of the range of values, and cuts the result to the range.
#[derive(Clone, Debug)]
pub struct RandomBrightness {
    factor: Factor,
    settings: Settings,
}

impl RandomBrightness {
    /// By up to this share, from -1 to 1.
    pub fn new(factor: impl Into<Factor>) -> RandomBrightness {
        RandomBrightness { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomBrightness> {
        Ok(RandomBrightness {
            factor: Factor::read_or_zero(config, "factor")?,
            settings: Settings::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomBrightness", "factor", (-1.0, 1.0))
    }
}

image_layer!(RandomBrightness, seed, value_range);

impl ImageLayer for RandomBrightness {
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
        let (low, high) = self.settings.value_range;
        let shift = draw.each(self.range()?)? * (high - low);
        Ok(self.settings.clip(images + shift))
    }
}
