//! RandomZoom: images made smaller or larger within their frame. Keras: `RandomZoom`.

use cornu_ir::Expr;
use serde_json::Value;

use super::super::{Config, LayerConfig};
use super::affine::{Affine, Movement, Row};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::ImageLayer;
use crate::error::{Error, Result};

/// In training, zooms each image by random shares of its height and width: out if positive, in if negative.
pub type RandomZoom = ImageLayer<Affine<Zoom>>;

/// The movement of [`RandomZoom`].
#[derive(Clone, Debug)]
pub struct Zoom {
    height_factor: Factor,
    width_factor: Option<Factor>,
}

impl RandomZoom {
    /// By up to this share, more than -1 and at most 1, of both height and width.
    pub fn new(height_factor: impl Into<Factor>) -> RandomZoom {
        ImageLayer::moving(Zoom { height_factor: height_factor.into(), width_factor: None })
    }

    /// The width by a share of its own, which changes the aspect.
    pub fn width_factor(mut self, factor: impl Into<Factor>) -> RandomZoom {
        self.kind.movement.width_factor = Some(factor.into());
        self
    }
}

impl Zoom {
    /// The range of sizes that one pixel of the result covers.
    fn range(factor: Factor, key: &str) -> Result<(f64, f64)> {
        let (low, high) = factor.range(Self::CLASS, key, (-1.0, 1.0))?;
        if low <= -1.0 {
            return Err(Error::config(Self::CLASS, key, factor.json(), "more than -1"));
        }
        Ok((1.0 + low, 1.0 + high))
    }
}

impl Movement for Zoom {
    const CLASS: &'static str = "RandomZoom";

    fn from_config(config: &LayerConfig<'_>) -> Result<Zoom> {
        Ok(Zoom {
            height_factor: Factor::read_or_zero(config, "height_factor")?,
            width_factor: Factor::read(config, "width_factor")?,
        })
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("height_factor".into(), self.height_factor.json());
        config.insert("width_factor".into(), self.width_factor.map_or(Value::Null, Factor::json));
        Ok(())
    }

    fn check(&self) -> Result<()> {
        Zoom::range(self.height_factor, "height_factor")?;
        self.width_factor.map_or(Ok(()), |factor| Zoom::range(factor, "width_factor").map(drop))
    }

    fn origin<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<[Row<'b>; 2]> {
        let height = draw.each(Zoom::range(self.height_factor, "height_factor")?)?;
        let width = match self.width_factor {
            Some(factor) => draw.each(Zoom::range(factor, "width_factor")?)?,
            None => height,
        };
        let shape = images.shape();
        let middle = |size: usize| (size as f64 - 1.0) / 2.0;
        let zero = height.full_like(0.0);
        let x = [width, zero, (1.0 - width) * middle(shape[2])];
        let y = [zero, height, (1.0 - height) * middle(shape[1])];
        Ok([x, y])
    }
}
