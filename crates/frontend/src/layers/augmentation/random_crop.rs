//! RandomCrop: a random part of images. Keras: `RandomCrop`.

use cornu_ir::{DType, Expr};

use super::super::resize::{Interpolation, resize};
use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::cropping::{Target, sizes};
use super::settings::{Draw, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, a part of this height and width, in one random place for the whole batch. Images that are not larger
/// are cut to the aspect and resized. Outside of training, as in Keras 3.15, images stay what they are.
#[derive(Clone, Debug)]
pub struct RandomCrop {
    target: Target,
    settings: Settings,
}

impl RandomCrop {
    /// Of this height and width.
    pub fn new(height: usize, width: usize) -> RandomCrop {
        RandomCrop { target: Target { height, width }, settings: Settings::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomCrop> {
        Ok(RandomCrop { target: Target::read(config)?, settings: Settings::read(config)? })
    }

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

image_layer!(RandomCrop, seed);

impl ImageLayer for RandomCrop {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        self.target.write(config);
        self.settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.target.check("RandomCrop")
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
