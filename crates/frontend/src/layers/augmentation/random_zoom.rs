//! RandomZoom: images made smaller or larger within their frame. Keras: `RandomZoom`.

use cornu_ir::Expr;
use serde_json::Value;

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights};
use super::affine::{Sampling, sampling_arguments};
use super::settings::{Draw, Factor, ImageLayer, Settings, image_layer};
use crate::error::{Error, Result};

/// In training, zooms each image by random shares of its height and width: out if positive, in if negative.
#[derive(Clone, Debug)]
pub struct RandomZoom {
    height_factor: Factor,
    width_factor: Option<Factor>,
    settings: Settings,
    sampling: Sampling,
}

impl RandomZoom {
    /// By up to this share, more than -1 and at most 1, of both height and width.
    pub fn new(height_factor: impl Into<Factor>) -> RandomZoom {
        RandomZoom {
            height_factor: height_factor.into(),
            width_factor: None,
            settings: Settings::default(),
            sampling: Sampling::default(),
        }
    }

    /// The width by a share of its own, which changes the aspect.
    pub fn width_factor(mut self, factor: impl Into<Factor>) -> RandomZoom {
        self.width_factor = Some(factor.into());
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<RandomZoom> {
        Ok(RandomZoom {
            height_factor: Factor::read_or_zero(config, "height_factor")?,
            width_factor: Factor::read(config, "width_factor")?,
            settings: Settings::read(config)?,
            sampling: Sampling::read(config)?,
        })
    }

    /// The range of sizes that one pixel of the result covers.
    fn range(factor: Factor, key: &str) -> Result<(f64, f64)> {
        let (low, high) = factor.range("RandomZoom", key, (-1.0, 1.0))?;
        if low <= -1.0 {
            return Err(Error::config("RandomZoom", key, factor.json(), "more than -1"));
        }
        Ok((1.0 + low, 1.0 + high))
    }
}

image_layer!(RandomZoom, seed);
sampling_arguments!(RandomZoom);

impl ImageLayer for RandomZoom {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        config.insert("height_factor".into(), self.height_factor.json());
        config.insert("width_factor".into(), self.width_factor.map_or(Value::Null, Factor::json));
        self.sampling.write_mode(config);
        self.sampling.write_interpolation(config);
        self.settings.write_seed(config);
        self.sampling.write_value(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        RandomZoom::range(self.height_factor, "height_factor")?;
        self.width_factor.map_or(Ok(()), |factor| RandomZoom::range(factor, "width_factor").map(drop))
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let height = draw.each(RandomZoom::range(self.height_factor, "height_factor")?)?;
        let width = match self.width_factor {
            Some(factor) => draw.each(RandomZoom::range(factor, "width_factor")?)?,
            None => height,
        };
        let shape = images.shape();
        let middle = |size: usize| (size as f64 - 1.0) / 2.0;
        let zero = height.full_like(0.0);
        let a = [width, zero, (1.0 - width) * middle(shape[2])];
        let b = [zero, height, (1.0 - height) * middle(shape[1])];
        Ok(self.sampling.affine(images, a, b))
    }
}
