//! RandomBrightness: images lighter or darker. Keras: `RandomBrightness`.

use cornu_ir::Expr;

use super::by_factor::{ByFactor, Change};
use super::draw::Draw;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, adds to each image a random share of the range of values, and cuts the result to the range.
///
/// The factor is that share, from -1 to 1.
pub type RandomBrightness = ImageLayer<ByFactor<Brightness>>;

/// The change made by [`RandomBrightness`].
#[derive(Clone, Debug)]
pub struct Brightness;

impl Change for Brightness {
    const CLASS: &'static str = "RandomBrightness";
    const BOUNDS: (f64, f64) = (-1.0, 1.0);

    fn change<'b>(draw: &mut Draw<'_, '_, 'b>, range: (f64, f64), images: Expr<'b>) -> Result<Expr<'b>> {
        let (low, high) = draw.settings.value_range;
        let shift = draw.each(range)? * (high - low);
        Ok(draw.settings.clip(images + shift))
    }
}
