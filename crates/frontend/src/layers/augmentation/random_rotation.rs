//! RandomRotation: images turned about their middle. Keras: `RandomRotation`.

use std::f64::consts::TAU;

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::affine::{Affine, Movement, Row};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, turns each image by a random share of a full circle.
pub type RandomRotation = ImageLayer<Affine<Rotation>>;

/// The movement of [`RandomRotation`].
#[derive(Clone, Debug)]
pub struct Rotation {
    factor: Factor,
}

impl RandomRotation {
    /// By up to this share of a full circle: `0.1` for 36° to either side.
    pub fn new(factor: impl Into<Factor>) -> RandomRotation {
        ImageLayer::moving(Rotation { factor: factor.into() })
    }
}

impl Rotation {
    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range(Self::CLASS, "factor", (-1.0, 1.0))
    }
}

impl Movement for Rotation {
    const CLASS: &'static str = "RandomRotation";
    const VALUE_LAST: bool = false;

    fn from_config(config: &LayerConfig<'_>) -> Result<Rotation> {
        Ok(Rotation { factor: Factor::read_or_zero(config, "factor")? })
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("factor".into(), json!(self.range()?));
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.range().map(drop)
    }

    fn origin<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<[Row<'b>; 2]> {
        let angle = draw.each(self.range()?)? * TAU;
        let (sin, cos) = (angle.sin(), angle.cos());
        let shape = images.shape();
        let (middle_x, middle_y) = ((shape[2] as f64 - 1.0) * 0.5, (shape[1] as f64 - 1.0) * 0.5);
        let x = [cos, -sin, middle_x - cos * middle_x + sin * middle_y];
        let y = [sin, cos, middle_y - sin * middle_x - cos * middle_y];
        Ok([x, y])
    }
}
