//! RandomErasing: a rectangle of each image filled. Keras: `RandomErasing`.

use std::f64::consts::SQRT_2;

use cornu_ir::{DType, Expr, Tensor, Type};
use serde_json::{Value, json};

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::{ImageKind, ImageLayer, Random, Ranged};
use super::settings::Settings;
use crate::error::{Error, Result};

/// In training, fills a random rectangle of each image, with a random probability. (Zhong et al., 2020.)
pub type RandomErasing = ImageLayer<Erasing>;

/// The kind of [`RandomErasing`].
#[derive(Clone, Debug)]
pub struct Erasing {
    factor: Factor,
    scale: Factor,
    fill: Fill,
}

/// What a rectangle is filled with.
#[derive(Clone, Debug, PartialEq)]
enum Fill {
    Noise,
    Value(f64),
    Color([f64; 3]),
}

impl RandomErasing {
    /// With a probability up to this number, or between two, from 0 to 1. The rectangle covers 2 to 33 % of the image
    /// and is filled with noise.
    pub fn new(factor: impl Into<Factor>) -> RandomErasing {
        let scale = Factor::Between(0.02, 0.33);
        ImageLayer::of(Erasing { factor: factor.into(), scale, fill: Fill::Noise })
    }

    /// The share of the image that the rectangle covers: squares of its sides' shares, from 0 to 1.
    pub fn scale(mut self, scale: impl Into<Factor>) -> RandomErasing {
        self.kind.scale = scale.into();
        self
    }

    /// Fills with this value.
    pub fn fill_value(mut self, value: f64) -> RandomErasing {
        self.kind.fill = Fill::Value(value);
        self
    }

    /// Fills with this color.
    pub fn fill_color(mut self, color: [f64; 3]) -> RandomErasing {
        self.kind.fill = Fill::Color(color);
        self
    }
}

impl Erasing {
    /// The ranges of the probability and of the size.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        Factor::ranges(Self::CLASS, [("factor", self.factor), ("scale", self.scale)], (0.0, 1.0))
    }

    /// What lies in the rectangle.
    fn filling<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let filling = match &self.fill {
            Fill::Noise => normal(draw, images)? * draw.settings.value_range.1,
            Fill::Value(value) => images.number(*value),
            Fill::Color(color) if images.shape().last() == Some(&3) => {
                let color = Tensor::vector(color.iter().map(|&value| value as f32).collect::<Vec<_>>());
                images.constant(color).broadcast_leading(&images.shape())
            }
            Fill::Color(color) => {
                let needed =
                    format!("a number for images of another number of channels than 3: {}", images.ty());
                return Err(Error::config(Self::CLASS, "fill_value", json!(color), needed));
            }
        };
        Ok(draw.settings.clip(filling))
    }
}

/// Normal numbers in the shape of the images.
fn normal<'b>(draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
    let uniform = draw.uniform(&images.shape(), (-1.0, 1.0))?;
    // The end itself would be infinitely far.
    let nearest = 1.0 - f64::from(f32::EPSILON);
    Ok(uniform.clip(-nearest, nearest).erf_inv() * SQRT_2)
}

/// For each image the pixels along one axis that lie in a random stretch of a random share of it.
fn stretch<'b>(
    draw: &mut Draw<'_, '_, 'b>,
    images: Expr<'b>,
    axis: usize,
    scale: (f64, f64),
) -> Result<Expr<'b>> {
    let shape = images.shape();
    let size = shape[axis] as f64;
    let length = draw.each(scale)?.sqrt() * size;
    let start = draw.each((0.0, 1.0))? * (size - length);
    let mut sizes = [shape[0], 1, 1, 1];
    sizes[axis] = shape[axis];
    let place = images.builder().iota(Type::new(DType::F32, sizes), axis);
    Ok(place.ge(start).and(place.lt(start + length)))
}

impl ImageKind for Erasing {
    const CLASS: &'static str = "RandomErasing";

    fn from_config(config: &LayerConfig<'_>) -> Result<Erasing> {
        let fill = match config.value("fill_value") {
            None => Fill::Noise,
            Some(Value::Array(_)) => match config.numbers("fill_value")?.as_deref() {
                Some(&[red, green, blue]) => Fill::Color([red, green, blue]),
                Some(_) | None => return Err(config.wrong("fill_value", "a number or a list of three")),
            },
            Some(_) => Fill::Value(config.number_or("fill_value", 0.0)?),
        };
        Ok(Erasing {
            factor: Factor::read(config, "factor")?.unwrap_or(Factor::UpTo(1.0)),
            scale: Factor::read(config, "scale")?.unwrap_or(Factor::Between(0.02, 0.33)),
            fill,
        })
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        let [factor, scale] = self.ranges()?;
        config.insert("factor".into(), json!(factor));
        config.insert("scale".into(), json!(scale));
        let fill = match &self.fill {
            Fill::Noise => Value::Null,
            Fill::Value(value) => json!(value),
            Fill::Color(color) => json!(color),
        };
        config.insert("fill_value".into(), fill);
        settings.write_range(config);
        settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.ranges().map(drop)
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let [factor, scale] = self.ranges()?;
        let columns = stretch(draw, images, 2, scale)?;
        let rows = stretch(draw, images, 1, scale)?;
        let erased = rows.and(columns).and(draw.chance(factor)?);
        Ok(erased.select(self.filling(draw, images)?, images))
    }
}

impl Random for Erasing {}
impl Ranged for Erasing {}
