//! Sampling: every pixel of a transformed image is looked up where it came from. Keras: `ops.image.affine_transform`.

use cornu_ir::{DType, Expr, Type};
use serde_json::json;

use super::super::{Config, LayerConfig};
use crate::error::{Error, Result};

/// What lies beyond the border of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FillMode {
    /// `fill_value` everywhere.
    Constant,
    /// The pixel at the border, on and on.
    Nearest,
    /// The image mirrored at its edge: `d c b a | a b c d | d c b a`.
    #[default]
    Reflect,
    /// The image again.
    Wrap,
}

impl FillMode {
    const NAMES: [(&'static str, FillMode); 4] = [
        ("constant", FillMode::Constant),
        ("nearest", FillMode::Nearest),
        ("reflect", FillMode::Reflect),
        ("wrap", FillMode::Wrap),
    ];

    fn name(self) -> &'static str {
        match self {
            FillMode::Constant => "constant",
            FillMode::Nearest => "nearest",
            FillMode::Reflect => "reflect",
            FillMode::Wrap => "wrap",
        }
    }

    /// A whole place, perhaps outside, as one of `0..size`.
    fn inside(self, place: Expr<'_>, size: usize) -> Expr<'_> {
        let size = size as f64;
        match self {
            FillMode::Constant => place,
            FillMode::Nearest => place.clip(0.0, size - 1.0),
            FillMode::Wrap => modulo_by(place, size),
            FillMode::Reflect => {
                let mirrored = modulo_by(place, 2.0 * size);
                mirrored.min(2.0 * size - 1.0 - mirrored)
            }
        }
    }
}

/// The remainder that is not negative.
fn modulo_by(x: Expr<'_>, by: f64) -> Expr<'_> {
    x - (x / by).floor() * by
}

/// How images are sampled: the arguments that all layers with affine transformations share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    pub(super) fill_mode: FillMode,
    pub(super) fill_value: f64,
    /// Whether the nearest pixel is taken; otherwise four are weighed.
    pub(super) nearest: bool,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { fill_mode: FillMode::Reflect, fill_value: 0.0, nearest: false }
    }
}

impl Sampling {
    pub(super) fn read(config: &LayerConfig<'_>) -> Result<Sampling> {
        let fill_mode = match config.text("fill_mode")? {
            None => FillMode::Reflect,
            Some(name) => {
                let found = FillMode::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, mode)| mode);
                let unknown = || Error::unknown("fill_mode", name, FillMode::NAMES.map(|(name, _)| name));
                found.ok_or_else(unknown)?
            }
        };
        let nearest = match config.text("interpolation")? {
            None | Some("bilinear") => false,
            Some("nearest") => true,
            Some(_) => return Err(config.wrong("interpolation", "bilinear or nearest")),
        };
        Ok(Sampling { fill_mode, fill_value: config.number_or("fill_value", 0.0)?, nearest })
    }

    pub(super) fn write_mode(&self, config: &mut Config) {
        config.insert("fill_mode".into(), json!(self.fill_mode.name()));
    }

    pub(super) fn write_value(&self, config: &mut Config) {
        config.insert("fill_value".into(), json!(self.fill_value));
    }

    pub(super) fn write_interpolation(&self, config: &mut Config) {
        config.insert("interpolation".into(), json!(if self.nearest { "nearest" } else { "bilinear" }));
    }

    /// Images `(batch, height, width, channels)` whose pixel `(x, y)` is the old one's at
    /// `(a0·x + a1·y + a2, b0·x + b1·y + b2)`. All six numbers are `(batch, 1, 1, 1)`.
    pub(super) fn affine<'b>(&self, images: Expr<'b>, a: [Expr<'b>; 3], b: [Expr<'b>; 3]) -> Expr<'b> {
        let shape = images.shape();
        let (height, width) = (shape[1], shape[2]);
        let grid = Type::new(DType::F32, [shape[0], height, width, 1]);
        let (x, y) = (images.builder().iota(grid.clone(), 2), images.builder().iota(grid, 1));
        self.sample(images, x * a[0] + y * a[1] + a[2], x * b[0] + y * b[1] + b[2])
    }

    /// The images at places `(batch, height, width, 1)`, counted in pixels.
    fn sample<'b>(&self, images: Expr<'b>, x: Expr<'b>, y: Expr<'b>) -> Expr<'b> {
        if self.nearest {
            return self.pixel(images, away_from_zero(x), away_from_zero(y));
        }
        let (left, top) = (x.floor(), y.floor());
        let (right, below) = (x - left, y - top);
        let corner = |dx: f64, dy: f64| self.pixel(images, left + dx, top + dy);
        let upper = corner(0.0, 0.0) * (1.0 - right) + corner(1.0, 0.0) * right;
        let lower = corner(0.0, 1.0) * (1.0 - right) + corner(1.0, 1.0) * right;
        upper * (1.0 - below) + lower * below
    }

    /// The pixels at whole places.
    fn pixel<'b>(&self, images: Expr<'b>, x: Expr<'b>, y: Expr<'b>) -> Expr<'b> {
        let shape = images.shape();
        let [batch, height, width, channels] = [shape[0], shape[1], shape[2], shape[3]];
        let (column, row) = (self.fill_mode.inside(x, width), self.fill_mode.inside(y, height));
        let place = row.cast(DType::I32) * x.cast(DType::I32).number(width as f64) + column.cast(DType::I32);
        let pixels = images.reshape([batch, height * width, channels]);
        let picked = pixels.gather(place.reshape([batch, height * width]), 1, 1).reshape(shape);
        if self.fill_mode != FillMode::Constant {
            return picked;
        }
        let within = |place: Expr<'b>, size: usize| {
            place.ge(place.number(0.0)).and(place.le(place.number(size as f64 - 1.0)))
        };
        within(x, width).and(within(y, height)).select(picked, picked.number(self.fill_value))
    }
}

/// To the nearest whole number; halves away from zero.
fn away_from_zero(x: Expr<'_>) -> Expr<'_> {
    x.sign() * (x.abs() + 0.5).floor()
}
