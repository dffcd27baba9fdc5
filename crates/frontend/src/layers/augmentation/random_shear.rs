//! RandomShear: images slanted. Keras: `RandomShear`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::affine::{Sampling, sampling_arguments};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::Result;

/// In training, slants each image along both axes by random shares.
#[derive(Clone, Debug)]
pub struct RandomShear {
    x_factor: Factor,
    y_factor: Factor,
    settings: Settings,
    sampling: Sampling,
}

impl RandomShear {
    /// By up to these shares, from 0 to 1, along x and y.
    pub fn new(x_factor: impl Into<Factor>, y_factor: impl Into<Factor>) -> RandomShear {
        RandomShear {
            x_factor: x_factor.into(),
            y_factor: y_factor.into(),
            settings: Settings::default(),
            sampling: Sampling::default(),
        }
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomShear> {
        Ok(RandomShear {
            x_factor: Factor::read_or_zero(config, "x_factor")?,
            y_factor: Factor::read_or_zero(config, "y_factor")?,
            settings: Settings::read(config)?,
            sampling: Sampling::read(config)?,
        })
    }

    /// The ranges of x and y. Keras writes a number `f` as the list `[-f, f]`, so that lists may be negative.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        let range = |factor: Factor, key| factor.range("RandomShear", key, (-1.0, 1.0));
        Ok([range(self.x_factor, "x_factor")?, range(self.y_factor, "y_factor")?])
    }
}

image_layer!(RandomShear, seed);
sampling_arguments!(RandomShear);

impl ImageLayer for RandomShear {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        let [x, y] = self.ranges()?;
        config.insert("x_factor".into(), json!(x));
        config.insert("y_factor".into(), json!(y));
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
        let [x, y] = self.ranges()?;
        let sign = draw.sign()?;
        let (y, x) = (draw.each(y)? * sign, draw.each(x)? * sign);
        let (one, zero) = (sign.full_like(1.0), sign.full_like(0.0));
        Ok(self.sampling.affine(images, [one, x, zero], [y, one, zero]))
    }
}
