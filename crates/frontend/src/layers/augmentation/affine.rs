//! Affine: layers that turn, slant, move or zoom images, and how they look up what lies beyond the border.

use std::fmt;

use cornu_ir::Expr;

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::image_layer::{ImageKind, ImageLayer, Random};
use super::sampling::{FillMode, Sampling};
use super::settings::Settings;
use crate::error::Result;

/// The kind of layer that takes each pixel of an image from another place.
#[derive(Clone, Debug)]
pub struct Affine<M> {
    pub(super) movement: M,
    sampling: Sampling,
}

/// A row of an affine transformation: `[a, b, c]` for `a·x + b·y + c`, each number `(batch, 1, 1, 1)`.
pub(super) type Row<'b> = [Expr<'b>; 3];

/// Where the pixels come from.
pub trait Movement: Clone + fmt::Debug + Send + Sync + 'static {
    /// Keras's name of the layer.
    const CLASS: &'static str;
    /// True if Keras writes the interpolation and the seed between the mode and the value of what lies beyond.
    const VALUE_LAST: bool = true;

    /// From its own arguments.
    fn from_config(config: &LayerConfig<'_>) -> Result<Self>;

    /// Writes its own arguments.
    fn write(&self, config: &mut Config) -> Result<()>;

    /// Checks its arguments.
    fn check(&self) -> Result<()>;

    /// For random movements of each image, the `x` and `y` where the pixel at `(x, y)` comes from. Images are
    /// `(batch, height, width, channels)`.
    fn origin<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<[Row<'b>; 2]>;
}

impl<M: Movement> ImageLayer<Affine<M>> {
    pub(super) fn moving(movement: M) -> ImageLayer<Affine<M>> {
        ImageLayer::of(Affine { movement, sampling: Sampling::default() })
    }

    /// What lies beyond the border.
    pub fn fill_mode(mut self, mode: FillMode) -> ImageLayer<Affine<M>> {
        self.kind.sampling.fill_mode = mode;
        self
    }

    /// The value beyond the border with `FillMode::Constant`.
    pub fn fill_value(mut self, value: f64) -> ImageLayer<Affine<M>> {
        self.kind.sampling.fill_value = value;
        self
    }

    /// Takes the nearest pixel, where otherwise four are weighed.
    pub fn nearest(mut self) -> ImageLayer<Affine<M>> {
        self.kind.sampling.nearest = true;
        self
    }
}

impl<M: Movement> ImageKind for Affine<M> {
    const CLASS: &'static str = M::CLASS;

    fn from_config(config: &LayerConfig<'_>) -> Result<Affine<M>> {
        Ok(Affine { movement: M::from_config(config)?, sampling: Sampling::read(config)? })
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        self.movement.write(config)?;
        self.sampling.write_mode(config);
        if !M::VALUE_LAST {
            self.sampling.write_value(config);
        }
        self.sampling.write_interpolation(config);
        settings.write_seed(config);
        if M::VALUE_LAST {
            self.sampling.write_value(config);
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.movement.check()
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let [x, y] = self.movement.origin(draw, images)?;
        Ok(self.sampling.affine(images, x, y))
    }
}

impl<M: Movement> Random for Affine<M> {}
