//! RandomRotation: images turned about their middle. Keras: `RandomRotation`.

use std::f64::consts::TAU;

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::affine::{Sampling, sampling_arguments};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, turns each image by a random share of a full circle.
#[derive(Clone, Debug)]
pub struct RandomRotation {
    factor: Factor,
    settings: Settings,
    sampling: Sampling,
}

impl RandomRotation {
    /// By up to this share of a full circle: `0.1` for 36° to either side.
    pub fn new(factor: impl Into<Factor>) -> RandomRotation {
        RandomRotation { factor: factor.into(), settings: Settings::default(), sampling: Sampling::default() }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomRotation> {
        Ok(RandomRotation {
            factor: Factor::read_or_zero(config, "factor")?,
            settings: Settings::read(config)?,
            sampling: Sampling::read(config)?,
        })
    }

    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range("RandomRotation", "factor", (-1.0, 1.0))
    }
}

image_layer!(RandomRotation, seed);
sampling_arguments!(RandomRotation);

impl ImageLayer for RandomRotation {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("factor".into(), json!(self.range()?));
        self.sampling.write_mode(config);
        self.sampling.write_value(config);
        self.sampling.write_interpolation(config);
        self.settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.range().map(drop)
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let angle = draw.each(self.range()?)? * TAU;
        let (sin, cos) = (angle.sin(), angle.cos());
        let shape = images.shape();
        let (middle_x, middle_y) = ((shape[2] as f64 - 1.0) * 0.5, (shape[1] as f64 - 1.0) * 0.5);
        let a = [cos, -sin, middle_x - cos * middle_x + sin * middle_y];
        let b = [sin, cos, middle_y - sin * middle_x - cos * middle_y];
        Ok(self.sampling.affine(images, a, b))
    }
}
