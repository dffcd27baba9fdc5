//! RandomColorDegeneration: images mixed with their gray values. Keras: `RandomColorDegeneration`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::color;
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, mixes each image with its gray values: a random factor of 0 keeps it, 1 leaves gray.
#[derive(Clone, Debug)]
pub struct RandomColorDegeneration {
    factor: Factor,
    settings: Settings,
}

impl RandomColorDegeneration {
    /// Up to this factor, or between two.
    pub fn new(factor: impl Into<Factor>) -> RandomColorDegeneration {
        RandomColorDegeneration { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomColorDegeneration> {
        Ok(RandomColorDegeneration {
            factor: Factor::read_or_zero(config, "factor")?,
            settings: Settings::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomColorDegeneration", "factor", (-1.0, 1.0))
    }
}

image_layer!(RandomColorDegeneration, seed, value_range);

impl ImageLayer for RandomColorDegeneration {
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
        let factor = draw.each(self.range()?)?;
        let gray = color::grayscale("RandomColorDegeneration", images)?;
        Ok(self.settings.clip(images + factor * (gray - images)))
    }
}
