//! RandomTranslation: images moved. Keras: `RandomTranslation`.

use cornu_ir::Expr;

use super::super::{Config, LayerConfig};
use super::affine::{Affine, Movement, Row};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, moves each image by random shares of its height (down is positive) and width (right is positive).
pub type RandomTranslation = ImageLayer<Affine<Translation>>;

/// The movement of [`RandomTranslation`].
#[derive(Clone, Debug)]
pub struct Translation {
    height_factor: Factor,
    width_factor: Factor,
}

impl RandomTranslation {
    /// By up to these shares of height and width, from -1 to 1.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> RandomTranslation {
        let (height_factor, width_factor) = (height_factor.into(), width_factor.into());
        ImageLayer::moving(Translation { height_factor, width_factor })
    }
}

impl Translation {
    /// The ranges of height and width.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        let factors = [("height_factor", self.height_factor), ("width_factor", self.width_factor)];
        Factor::ranges(Self::CLASS, factors, (-1.0, 1.0))
    }
}

impl Movement for Translation {
    const CLASS: &'static str = "RandomTranslation";

    fn from_config(config: &LayerConfig<'_>) -> Result<Translation> {
        let factor = |key| Factor::read_or_zero(config, key);
        Ok(Translation { height_factor: factor("height_factor")?, width_factor: factor("width_factor")? })
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("height_factor".into(), self.height_factor.json());
        config.insert("width_factor".into(), self.width_factor.json());
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.ranges().map(drop)
    }

    fn origin<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<[Row<'b>; 2]> {
        let [height, width] = self.ranges()?;
        let shape = images.shape();
        let down = draw.each(height)? * shape[1] as f64;
        let right = draw.each(width)? * shape[2] as f64;
        let (one, zero) = (down.full_like(1.0), down.full_like(0.0));
        Ok([[one, zero, -right], [zero, one, -down]])
    }
}
