//! RandomInvert: negatives of images. Keras: `RandomInvert`.

use cornu_ir::Expr;

use super::by_factor::{ByFactor, Change};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, replaces each image by its negative with a random probability.
///
/// The factor is the probability, which is itself drawn, from 0 to 1.
pub type RandomInvert = ImageLayer<ByFactor<Invert>>;

/// The change made by [`RandomInvert`].
#[derive(Clone, Debug)]
pub struct Invert;

impl Change for Invert {
    const CLASS: &'static str = "RandomInvert";
    const BOUNDS: (f64, f64) = (0.0, 1.0);
    const DEFAULT: Factor = Factor::UpTo(1.0);

    fn change<'b>(draw: &mut Draw<'_, '_, 'b>, range: (f64, f64), images: Expr<'b>) -> Result<Expr<'b>> {
        let inverted = draw.chance(range)?;
        Ok(inverted.select(draw.settings.value_range.1 - images, images))
    }
}
