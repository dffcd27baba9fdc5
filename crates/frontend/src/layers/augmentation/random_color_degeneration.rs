//! RandomColorDegeneration: images mixed with their gray values. Keras: `RandomColorDegeneration`.

use cornu_ir::Expr;

use super::by_factor::{ByFactor, Change};
use super::color;
use super::draw::Draw;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, mixes each image with its gray values: a random factor of 0 keeps it, 1 leaves gray. Keras takes
/// factors from -1 to 1.
pub type RandomColorDegeneration = ImageLayer<ByFactor<ColorDegeneration>>;

/// The change made by [`RandomColorDegeneration`].
#[derive(Clone, Debug)]
pub struct ColorDegeneration;

impl Change for ColorDegeneration {
    const CLASS: &'static str = "RandomColorDegeneration";
    const BOUNDS: (f64, f64) = (-1.0, 1.0);

    fn change<'b>(draw: &mut Draw<'_, '_, 'b>, range: (f64, f64), images: Expr<'b>) -> Result<Expr<'b>> {
        let factor = draw.each(range)?;
        let gray = color::grayscale(Self::CLASS, images)?;
        Ok(draw.settings.clip(images + factor * (gray - images)))
    }
}
