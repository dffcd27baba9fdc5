//! RandomGrayscale: images without their colors. Keras: `RandomGrayscale`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::color;
use super::settings::{Draw, ImageLayer, Settings, image_layer};
use crate::error::{Error, Result};

/// In training, replaces all channels of an image by its gray values, with a probability.
#[derive(Clone, Debug)]
pub struct RandomGrayscale {
    factor: f64,
    settings: Settings,
}

impl RandomGrayscale {
    /// With this probability.
    pub fn new(factor: f64) -> RandomGrayscale {
        RandomGrayscale { factor, settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomGrayscale> {
        let factor = config.number_or("factor", 0.5)?;
        Ok(RandomGrayscale { factor, settings: Settings::read(config)? })
    }
}

image_layer!(RandomGrayscale, seed);

impl ImageLayer for RandomGrayscale {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Keras leaves the seed out.
    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("factor".into(), json!(self.factor));
        Ok(())
    }

    fn check(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.factor) {
            true => Ok(()),
            false => Err(Error::config("RandomGrayscale", "factor", self.factor, "a number from 0 to 1")),
        }
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let draw = draw.each((0.0, 1.0))?;
        let gray = color::grayscale("RandomGrayscale", images)?;
        Ok(draw.lt(draw.number(self.factor)).select(gray, images))
    }
}
