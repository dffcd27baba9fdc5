//! RandomShear: images slanted. Keras: `RandomShear`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::affine::{Affine, Movement, Row};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::ImageLayer;
use crate::error::Result;

/// In training, slants each image along both axes by random shares.
pub type RandomShear = ImageLayer<Affine<Shear>>;

/// The movement of [`RandomShear`].
#[derive(Clone, Debug)]
pub struct Shear {
    x_factor: Factor,
    y_factor: Factor,
}

impl RandomShear {
    /// By up to these shares, from 0 to 1, along x and y.
    pub fn new(x_factor: impl Into<Factor>, y_factor: impl Into<Factor>) -> RandomShear {
        ImageLayer::moving(Shear { x_factor: x_factor.into(), y_factor: y_factor.into() })
    }
}

impl Shear {
    /// The ranges of x and y. Keras writes a number `f` as the list `[-f, f]`, so that lists may be negative.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        let factors = [("x_factor", self.x_factor), ("y_factor", self.y_factor)];
        Factor::ranges(Self::CLASS, factors, (-1.0, 1.0))
    }
}

impl Movement for Shear {
    const CLASS: &'static str = "RandomShear";

    fn from_config(config: &LayerConfig<'_>) -> Result<Shear> {
        let factor = |key| Factor::read_or_zero(config, key);
        Ok(Shear { x_factor: factor("x_factor")?, y_factor: factor("y_factor")? })
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        let [x, y] = self.ranges()?;
        config.insert("x_factor".into(), json!(x));
        config.insert("y_factor".into(), json!(y));
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.ranges().map(drop)
    }

    fn origin<'b>(&self, draw: &mut Draw<'_, '_, 'b>, _: Expr<'b>) -> Result<[Row<'b>; 2]> {
        let [x, y] = self.ranges()?;
        let sign = draw.sign()?;
        let (y, x) = (draw.each(y)? * sign, draw.each(x)? * sign);
        let (one, zero) = (sign.full_like(1.0), sign.full_like(0.0));
        Ok([[one, x, zero], [y, one, zero]])
    }
}
