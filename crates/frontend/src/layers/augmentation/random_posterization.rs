//! RandomPosterization: images with fewer bits. Keras: `RandomPosterization`.

use cornu_ir::Expr;

use super::by_factor::{ByFactor, Change};
use super::draw::Draw;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, keeps the upper bits of each value: a random number of them, of 8.
///
/// The factor is that number: from 1 up to it, exclusive, or between two; two equal ones fix it.
pub type RandomPosterization = ImageLayer<ByFactor<Posterization>>;

/// The change made by [`RandomPosterization`].
#[derive(Clone, Debug)]
pub struct Posterization;

impl Change for Posterization {
    const CLASS: &'static str = "RandomPosterization";
    const BOUNDS: (f64, f64) = (1.0, 8.0);

    fn change<'b>(
        draw: &mut Draw<'_, '_, 'b>,
        (low, high): (f64, f64),
        images: Expr<'b>,
    ) -> Result<Expr<'b>> {
        let bits = draw.each((low, high))?.floor();
        // A step is 2^(8 - bits): what lies below it goes.
        let step = (0..8).fold(bits.full_like(1.0), |step, bit| {
            step * bits.le(bits.number(f64::from(bit))).select(bits.full_like(2.0), bits.full_like(1.0))
        });
        let bytes = draw.settings.scaled(images, 255.0).floor();
        Ok(draw.settings.scaled_back((bytes / step).floor() * step, 255.0))
    }
}
