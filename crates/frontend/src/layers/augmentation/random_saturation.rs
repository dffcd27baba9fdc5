//! RandomSaturation: colors stronger or paler. Keras: `RandomSaturation`.

use cornu_ir::Expr;

use super::by_factor::{ByFactor, Change};
use super::color;
use super::draw::Draw;
use super::image_layer::ImageLayer;
use crate::EPSILON;
use crate::error::Result;

/// In training, multiplies the saturation of each image by `f / (1 - f)` for a random `f`: 0 is gray, 1/2 leaves colors
/// as they are.
///
/// The factor is `f`.
pub type RandomSaturation = ImageLayer<ByFactor<Saturation>>;

/// The change made by [`RandomSaturation`].
#[derive(Clone, Debug)]
pub struct Saturation;

impl Change for Saturation {
    const CLASS: &'static str = "RandomSaturation";
    const BOUNDS: (f64, f64) = (-1.0, 1.0);

    fn change<'b>(draw: &mut Draw<'_, '_, 'b>, range: (f64, f64), images: Expr<'b>) -> Result<Expr<'b>> {
        color::check_rgb(Self::CLASS, images)?;
        let factor = draw.each(range)?;
        let factor = factor / (1.0 - factor + EPSILON);
        let [hue, saturation, value] = color::to_hsv(images);
        // As in Keras, a saturation of 0…1 is cut to the range of the pixels' values.
        Ok(color::from_hsv([hue, draw.settings.clip(saturation * factor), value]))
    }
}
