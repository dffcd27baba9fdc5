//! RandomContrast: differences from the mean made larger or smaller. Keras: `RandomContrast`.

use cornu_ir::{Expr, derived};
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, multiplies the differences of each image from the mean of its channels by a random number around 1, and
/// cuts the result to the range of values.
#[derive(Clone, Debug)]
pub struct RandomContrast {
    factor: Factor,
    settings: Settings,
}

impl RandomContrast {
    /// Between `1 - low` and `1 + high` for a factor of two numbers from 0 to 1; between 1 and `1 + factor` for one,
    /// as in Keras.
    pub fn new(factor: impl Into<Factor>) -> RandomContrast {
        RandomContrast { factor: factor.into(), settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomContrast> {
        Ok(RandomContrast {
            factor: Factor::read_or_zero(config, "factor")?,
            settings: Settings::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomContrast", "factor", (0.0, 1.0))
    }
}

image_layer!(RandomContrast, seed, value_range);

impl ImageLayer for RandomContrast {
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
        let factor = draw.each((1.0 - low, 1.0 + high))?;
        let mean = derived::mean(images, &[1, 2]).broadcast_reduced(&images.shape(), &[1, 2]);
        Ok(self.settings.clip((images - mean) * factor + mean))
    }
}
