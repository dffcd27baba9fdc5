//! Solarization: the light parts of images as negatives. Keras: `Solarization`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, adds a random number to each image and replaces what is not below a random threshold by its negative.
#[derive(Clone, Debug)]
pub struct Solarization {
    addition_factor: Factor,
    threshold_factor: Factor,
    settings: Settings,
}

impl Solarization {
    /// Nothing added, everything turned around.
    pub fn new() -> Solarization {
        Solarization {
            addition_factor: Factor::UpTo(0.0),
            threshold_factor: Factor::UpTo(0.0),
            settings: Settings::default(),
        }
    }

    /// What is added, as a share of the range of values, from 0 to 1.
    pub fn addition_factor(mut self, factor: impl Into<Factor>) -> Solarization {
        self.addition_factor = factor.into();
        self
    }

    /// The threshold, as a share of the range of values, from 0 to 1.
    pub fn threshold_factor(mut self, factor: impl Into<Factor>) -> Solarization {
        self.threshold_factor = factor.into();
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<Solarization> {
        Ok(Solarization {
            addition_factor: Factor::read_or_zero(config, "addition_factor")?,
            threshold_factor: Factor::read_or_zero(config, "threshold_factor")?,
            settings: Settings::read(config)?,
        })
    }

    /// The ranges of what is added and of the threshold.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        let range = |factor: Factor, key| factor.range("Solarization", key, (0.0, 1.0));
        Ok([
            range(self.addition_factor, "addition_factor")?,
            range(self.threshold_factor, "threshold_factor")?,
        ])
    }
}

impl Default for Solarization {
    fn default() -> Solarization {
        Solarization::new()
    }
}

image_layer!(Solarization, seed, value_range);

impl ImageLayer for Solarization {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        let [addition, threshold] = self.ranges()?;
        self.settings.write_range(config);
        config.insert("addition_factor".into(), json!(addition));
        config.insert("threshold_factor".into(), json!(threshold));
        self.settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.ranges().map(drop)
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        // As in Keras, only the upper end is brought to bytes.
        let bytes = |(low, high): (f64, f64)| (low, high * 255.0);
        let [addition, threshold] = self.ranges()?;
        let (addition, threshold) = (draw.each(bytes(addition))?, draw.each(bytes(threshold))?);
        let lighter = (self.settings.scaled(images, 255.0) + addition).clip(0.0, 255.0);
        let turned = lighter.lt(threshold).select(lighter, 255.0 - lighter);
        Ok(self.settings.scaled_back(turned, 255.0))
    }
}
