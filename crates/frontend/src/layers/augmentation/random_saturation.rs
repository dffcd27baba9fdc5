//! RandomSaturation: colors stronger or paler. Keras: `RandomSaturation`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::color;
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::EPSILON;
use crate::error::Result;

/// In training, multiplies the saturation of each image by `f / (1 - f)` for a random `f`: 0 is gray, 1/2 leaves colors
/// as they are.
#[derive(Clone, Debug)]
pub struct RandomSaturation {
    factor: Factor,
    settings: Settings,
}

impl RandomSaturation {
    /// With `f` up to this number, or between two.
    pub fn new(factor: impl Into<Factor>) -> RandomSaturation {
        RandomSaturation { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomSaturation> {
        Ok(RandomSaturation {
            factor: Factor::read_or_zero(config, "factor")?,
            settings: Settings::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomSaturation", "factor", (-1.0, 1.0))
    }
}

image_layer!(RandomSaturation, seed, value_range);

impl ImageLayer for RandomSaturation {
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
        color::check_rgb("RandomSaturation", images)?;
        let factor = draw.each(self.range()?)?;
        let factor = factor / (1.0 - factor + EPSILON);
        let [hue, saturation, value] = color::to_hsv(images);
        // As in Keras, a saturation of 0…1 is cut to the range of the pixels' values.
        Ok(color::from_hsv([hue, self.settings.clip(saturation * factor), value]))
    }
}
