//! RandomTranslation: images moved. Keras: `RandomTranslation`.

use cornu_ir::Expr;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::affine::{Sampling, sampling_arguments};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, moves each image by random shares of its height (down is positive) and width (right is positive).
#[derive(Clone, Debug)]
pub struct RandomTranslation {
    height_factor: Factor,
    width_factor: Factor,
    settings: Settings,
    sampling: Sampling,
}

impl RandomTranslation {
    /// By up to these shares of height and width, from -1 to 1.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> RandomTranslation {
        RandomTranslation {
            height_factor: height_factor.into(),
            width_factor: width_factor.into(),
            settings: Settings::default(),
            sampling: Sampling::default(),
        }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomTranslation> {
        Ok(RandomTranslation {
            height_factor: Factor::read_or_zero(config, "height_factor")?,
            width_factor: Factor::read_or_zero(config, "width_factor")?,
            settings: Settings::read(config)?,
            sampling: Sampling::read(config)?,
        })
    }

    /// The ranges of height and width.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        let range = |factor: Factor, key| factor.range("RandomTranslation", key, (-1.0, 1.0));
        Ok([range(self.height_factor, "height_factor")?, range(self.width_factor, "width_factor")?])
    }
}

image_layer!(RandomTranslation, seed);
sampling_arguments!(RandomTranslation);

impl ImageLayer for RandomTranslation {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("height_factor".into(), self.height_factor.json());
        config.insert("width_factor".into(), self.width_factor.json());
        self.sampling.write_mode(config);
        self.sampling.write_interpolation(config);
        self.settings.write_seed(config);
        self.sampling.write_value(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.ranges().map(drop)
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let [height, width] = self.ranges()?;
        let shape = images.shape();
        let down = draw.each(height)? * shape[1] as f64;
        let right = draw.each(width)? * shape[2] as f64;
        let (one, zero) = (down.full_like(1.0), down.full_like(0.0));
        Ok(self.sampling.affine(images, [one, zero, -right], [zero, one, -down]))
    }
}
