//! RandomContrast: differences from the mean made larger or smaller. Keras: `RandomContrast`.

use cornu_ir::{Expr, derived};

use super::by_factor::{ByFactor, Change};
use super::draw::Draw;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, multiplies the differences of each image from the mean of its channels by a random number around 1, and
/// cuts the result to the range of values.
///
/// That number is between `1 - low` and `1 + high` for a factor of two numbers from 0 to 1; between 1 and `1 + factor`
/// for one, as in Keras.
pub type RandomContrast = ImageLayer<ByFactor<Contrast>>;

/// The change made by [`RandomContrast`].
#[derive(Clone, Debug)]
pub struct Contrast;

impl Change for Contrast {
    const CLASS: &'static str = "RandomContrast";
    const BOUNDS: (f64, f64) = (0.0, 1.0);

    fn change<'b>(
        draw: &mut Draw<'_, '_, 'b>,
        (low, high): (f64, f64),
        images: Expr<'b>,
    ) -> Result<Expr<'b>> {
        let factor = draw.each((1.0 - low, 1.0 + high))?;
        let mean = derived::mean(images, &[1, 2]).broadcast_reduced(&images.shape(), &[1, 2]);
        Ok(draw.settings.clip((images - mean) * factor + mean))
    }
}
