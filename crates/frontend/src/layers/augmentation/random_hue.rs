//! RandomHue: colors turned on the color circle. Keras: `RandomHue`.

use cornu_ir::Expr;

use super::by_factor::{ByFactor, Change};
use super::color;
use super::draw::Draw;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, turns the hue of each image by a random share of half the circle, in either direction.
///
/// The factor is that share, from 0 to 1.
pub type RandomHue = ImageLayer<ByFactor<Hue>>;

/// The change made by [`RandomHue`].
#[derive(Clone, Debug)]
pub struct Hue;

impl Change for Hue {
    const CLASS: &'static str = "RandomHue";
    const BOUNDS: (f64, f64) = (0.0, 1.0);

    fn change<'b>(draw: &mut Draw<'_, '_, 'b>, range: (f64, f64), images: Expr<'b>) -> Result<Expr<'b>> {
        color::check_rgb(Self::CLASS, images)?;
        let sign = draw.sign()?;
        let turn = draw.each(range)? * sign * 0.5;
        let [hue, saturation, value] = color::to_hsv(draw.settings.scaled(images, 1.0));
        let turned = color::from_hsv([hue + turn, saturation, value]).clip(0.0, 1.0);
        Ok(draw.settings.scaled_back(turned, 1.0))
    }
}
