//! RandomSharpness: images blurred or sharpened. Keras: `RandomSharpness`.

use cornu_ir::Expr;

use super::by_factor::{ByFactor, Change};
use super::draw::Draw;
use super::filter::filter;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, mixes each image with a smoothed one: a random factor of 0 takes the smoothed, 1/2 the image, 1 goes as
/// far in the other direction.
pub type RandomSharpness = ImageLayer<ByFactor<Sharpness>>;

/// The change made by [`RandomSharpness`].
#[derive(Clone, Debug)]
pub struct Sharpness;

impl Change for Sharpness {
    const CLASS: &'static str = "RandomSharpness";
    const BOUNDS: (f64, f64) = (0.0, 1.0);

    fn change<'b>(draw: &mut Draw<'_, '_, 'b>, range: (f64, f64), images: Expr<'b>) -> Result<Expr<'b>> {
        let factor = draw.each(range)? * 2.0;
        let side = [1.0, 1.0, 1.0].map(|weight| images.number(weight));
        // The sum of all nine, and four times the middle again.
        let smoothed = (filter(filter(images, 1, &side), 2, &side) + images * 4.0) / 13.0;
        Ok(draw.settings.clip(images + (1.0 - factor) * (smoothed - images)))
    }
}
