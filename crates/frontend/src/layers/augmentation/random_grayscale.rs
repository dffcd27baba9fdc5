//! RandomGrayscale: images without their colors. Keras: `RandomGrayscale`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::color;
use super::draw::Draw;
use super::image_layer::{ImageKind, ImageLayer, Random};
use super::settings::Settings;
use crate::error::{Error, Result};

/// In training, replaces all channels of an image by its gray values, with a probability.
pub type RandomGrayscale = ImageLayer<Grayscale>;

/// The kind of [`RandomGrayscale`].
#[derive(Clone, Debug)]
pub struct Grayscale {
    factor: f64,
}

impl RandomGrayscale {
    /// With this probability.
    pub fn new(factor: f64) -> RandomGrayscale {
        ImageLayer::of(Grayscale { factor })
    }
}

impl ImageKind for Grayscale {
    const CLASS: &'static str = "RandomGrayscale";

    fn from_config(config: &LayerConfig<'_>) -> Result<Grayscale> {
        let factor = config.number_or("factor", 0.5)?;
        Ok(Grayscale { factor })
    }

    /// Keras leaves the seed out.
    fn write(&self, _: &Settings, config: &mut Config) -> Result<()> {
        config.insert("factor".into(), json!(self.factor));
        Ok(())
    }

    fn check(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.factor) {
            true => Ok(()),
            false => Err(Error::config(Self::CLASS, "factor", self.factor, "a number from 0 to 1")),
        }
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let draw = draw.each((0.0, 1.0))?;
        let gray = color::grayscale(Self::CLASS, images)?;
        Ok(draw.lt(draw.number(self.factor)).select(gray, images))
    }
}

impl Random for Grayscale {}
