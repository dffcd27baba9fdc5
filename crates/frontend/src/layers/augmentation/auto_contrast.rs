//! AutoContrast: the values of each channel stretched to the whole range. Keras: `AutoContrast`.

use cornu_ir::Expr;
use cornu_ir::ops::Reduction;

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::image_layer::{ImageKind, ImageLayer, Ranged};
use super::settings::Settings;
use crate::error::Result;

/// Makes the least value of each channel of each image black and the greatest white; a channel of one value stays. In
/// training and outside.
pub type AutoContrast = ImageLayer<Stretch>;

/// The kind of [`AutoContrast`].
#[derive(Clone, Debug, Default)]
pub struct Stretch;

impl AutoContrast {
    /// For values of 0 to 255.
    pub fn new() -> AutoContrast {
        AutoContrast::default()
    }
}

impl ImageKind for Stretch {
    const CLASS: &'static str = "AutoContrast";
    const ALWAYS: bool = true;

    fn from_config(_: &LayerConfig<'_>) -> Result<Stretch> {
        Ok(Stretch)
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        settings.write_range(config);
        Ok(())
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let bytes = draw.settings.scaled(images, 255.0);
        let end = |kind| bytes.reduce(kind, &[1, 2]).expand(1).expand(1);
        let (low, high) = (end(Reduction::Min), end(Reduction::Max));
        let flat = high.eq(low);
        let scale = 255.0 / flat.select(high.full_like(1.0), high - low);
        let stretched = (bytes * scale - low * scale).clip(0.0, 255.0);
        Ok(flat.select(images, draw.settings.scaled_back(stretched, 255.0)))
    }
}

impl Ranged for Stretch {}
