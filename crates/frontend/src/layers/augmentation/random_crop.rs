//! RandomCrop: a random part of images. Keras: `RandomCrop`.

use cornu_ir::{DType, Expr};

use super::super::resize::{Interpolation, resize};
use super::super::{Config, LayerConfig};
use super::cropping::{Target, sizes};
use super::draw::Draw;
use super::image_layer::{ImageKind, ImageLayer, Random};
use super::settings::Settings;
use crate::error::Result;

/// In training, a part of this height and width, in one random place for the whole batch. Images that are not larger
/// are cut to the aspect and resized. Outside of training, as in Keras 3.15, images stay what they are.
pub type RandomCrop = ImageLayer<Crop>;

/// The kind of [`RandomCrop`].
#[derive(Clone, Debug)]
pub struct Crop {
    target: Target,
}

impl RandomCrop {
    /// Of this height and width.
    pub fn new(height: usize, width: usize) -> RandomCrop {
        ImageLayer::of(Crop { target: Target { height, width } })
    }
}

impl Crop {
    /// A part that begins at a random place.
    fn random<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let shape = images.shape();
        let mut start = |size: usize, target: usize| -> Result<Expr<'b>> {
            let places = (size - target + 1) as f64;
            Ok(draw.uniform(&[1], (0.0, places))?.floor().clip(0.0, places - 1.0).cast(DType::I32))
        };
        let (row, column) = (start(shape[1], self.target.height)?, start(shape[2], self.target.width)?);
        let zero = row.full_like(0.0);
        let starts = Expr::concat(&[zero, row, column, zero], 0);
        Ok(images.dynamic_slice(starts, [shape[0], self.target.height, self.target.width, shape[3]]))
    }
}

impl ImageKind for Crop {
    const CLASS: &'static str = "RandomCrop";

    fn from_config(config: &LayerConfig<'_>) -> Result<Crop> {
        Ok(Crop { target: Target::read(config)? })
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        self.target.write(config);
        settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.target.check(Self::CLASS)
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let target = [self.target.height, self.target.width];
        let own = sizes(images, [1, 2]);
        if own[0] > target[0] && own[1] > target[1] {
            return self.random(draw, images);
        }
        // As in Keras: from the corner of the part of the target's aspect, as much of the target as there is.
        let crop = self.target.crop(own);
        let part = [0, 1].into_iter().fold(images, |images, i| {
            let start = (own[i] - crop[i]) / 2;
            images.slice_axis(i + 1, start, own[i].min(start + target[i]))
        });
        Ok(resize(part, [1, 2], target, Interpolation::Bilinear, false))
    }
}

impl Random for Crop {}
