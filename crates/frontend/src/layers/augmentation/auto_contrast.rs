//! AutoContrast: the values of each channel stretched to the whole range. Keras: `AutoContrast`.

use cornu_ir::Expr;
use cornu_ir::ops::Reduction;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::settings::{Draw, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// Makes the least value of each channel of each image black and the greatest white; a channel of one value stays. In
/// training and outside.
#[derive(Clone, Debug, Default)]
pub struct AutoContrast {
    settings: Settings,
}

impl AutoContrast {
    /// For values of 0 to 255.
    pub fn new() -> AutoContrast {
        AutoContrast::default()
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<AutoContrast> {
        Ok(AutoContrast { settings: Settings::read(config)? })
    }
}

image_layer!(AutoContrast, value_range);

impl ImageLayer for AutoContrast {
    const ALWAYS: bool = true;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        self.settings.write_range(config);
        Ok(())
    }

    fn transform<'b>(&self, _: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let bytes = self.settings.scaled(images, 255.0);
        let end = |kind| bytes.reduce(kind, &[1, 2]).expand(1).expand(1);
        let (low, high) = (end(Reduction::Min), end(Reduction::Max));
        let flat = high.eq(low);
        let scale = 255.0 / flat.select(high.full_like(1.0), high - low);
        let stretched = (bytes * scale - low * scale).clip(0.0, 255.0);
        Ok(flat.select(images, self.settings.scaled_back(stretched, 255.0)))
    }
}
