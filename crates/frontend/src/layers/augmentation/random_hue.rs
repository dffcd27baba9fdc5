//! RandomHue: colors turned on the color circle. Keras: `RandomHue`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::color;
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, turns the hue of each image by a random share of half the circle, in either direction.
#[derive(Clone, Debug)]
pub struct RandomHue {
    factor: Factor,
    settings: Settings,
}

impl RandomHue {
    /// By up to this share, from 0 to 1.
    pub fn new(factor: impl Into<Factor>) -> RandomHue {
        RandomHue { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomHue> {
        Ok(RandomHue { factor: Factor::read_or_zero(config, "factor")?, settings: Settings::read(config)? })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomHue", "factor", (0.0, 1.0))
    }
}

image_layer!(RandomHue, seed, value_range);

impl ImageLayer for RandomHue {
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
        color::check_rgb("RandomHue", images)?;
        let sign = draw.sign()?;
        let turn = draw.each(self.range()?)? * sign * 0.5;
        let [hue, saturation, value] = color::to_hsv(self.settings.scaled(images, 1.0));
        let turned = color::from_hsv([hue + turn, saturation, value]).clip(0.0, 1.0);
        Ok(self.settings.scaled_back(turned, 1.0))
    }
}
