//! RandomSharpness: images blurred or sharpened. Keras: `RandomSharpness`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::filter::filter;
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, mixes each image with a smoothed one: a random factor of 0 takes the smoothed, 1/2 the image, 1 goes as
/// far in the other direction.
#[derive(Clone, Debug)]
pub struct RandomSharpness {
    factor: Factor,
    settings: Settings,
}

impl RandomSharpness {
    /// Up to this factor, or between two, from 0 to 1.
    pub fn new(factor: impl Into<Factor>) -> RandomSharpness {
        RandomSharpness { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomSharpness> {
        Ok(RandomSharpness {
            factor: Factor::read_or_zero(config, "factor")?,
            settings: Settings::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomSharpness", "factor", (0.0, 1.0))
    }
}

image_layer!(RandomSharpness, seed, value_range);

impl ImageLayer for RandomSharpness {
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
        let factor = draw.each(self.range()?)? * 2.0;
        let side = [1.0, 1.0, 1.0].map(|weight| images.number(weight));
        // The sum of all nine, and four times the middle again.
        let smoothed = (filter(filter(images, 1, &side), 2, &side) + images * 4.0) / 13.0;
        Ok(self.settings.clip(images + (1.0 - factor) * (smoothed - images)))
    }
}
