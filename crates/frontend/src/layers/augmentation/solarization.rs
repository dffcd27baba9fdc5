//! Solarization: the light parts of images as negatives. Keras: `Solarization`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::{ImageKind, ImageLayer, Random, Ranged};
use super::settings::Settings;
use crate::error::Result;

/// In training, adds a random number to each image and replaces what is not below a random threshold by its negative.
pub type Solarization = ImageLayer<Solarize>;

/// The kind of [`Solarization`].
#[derive(Clone, Debug)]
pub struct Solarize {
    addition_factor: Factor,
    threshold_factor: Factor,
}

impl Solarization {
    /// Nothing added, everything turned around.
    pub fn new() -> Solarization {
        let none = Factor::UpTo(0.0);
        ImageLayer::of(Solarize { addition_factor: none, threshold_factor: none })
    }

    /// What is added, as a share of the range of values, from 0 to 1.
    pub fn addition_factor(mut self, factor: impl Into<Factor>) -> Solarization {
        self.kind.addition_factor = factor.into();
        self
    }

    /// The threshold, as a share of the range of values, from 0 to 1.
    pub fn threshold_factor(mut self, factor: impl Into<Factor>) -> Solarization {
        self.kind.threshold_factor = factor.into();
        self
    }
}

impl Solarize {
    /// The ranges of what is added and of the threshold.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        let factors =
            [("addition_factor", self.addition_factor), ("threshold_factor", self.threshold_factor)];
        Factor::ranges(Self::CLASS, factors, (0.0, 1.0))
    }
}

impl Default for Solarization {
    fn default() -> Solarization {
        Solarization::new()
    }
}

impl ImageKind for Solarize {
    const CLASS: &'static str = "Solarization";

    fn from_config(config: &LayerConfig<'_>) -> Result<Solarize> {
        Ok(Solarize {
            addition_factor: Factor::read_or_zero(config, "addition_factor")?,
            threshold_factor: Factor::read_or_zero(config, "threshold_factor")?,
        })
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        let [addition, threshold] = self.ranges()?;
        settings.write_range(config);
        config.insert("addition_factor".into(), json!(addition));
        config.insert("threshold_factor".into(), json!(threshold));
        settings.write_seed(config);
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
        let lighter = (draw.settings.scaled(images, 255.0) + addition).clip(0.0, 255.0);
        let turned = lighter.lt(threshold).select(lighter, 255.0 - lighter);
        Ok(draw.settings.scaled_back(turned, 255.0))
    }
}

impl Random for Solarize {}
impl Ranged for Solarize {}
