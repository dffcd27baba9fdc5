//! RandomGaussianBlur: images out of focus. Keras: `RandomGaussianBlur`.

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::factor::Factor;
use super::filter::filter;
use super::image_layer::{ImageKind, ImageLayer, Random, Ranged};
use super::settings::Settings;
use crate::error::{Error, Result};

/// In training, smooths images with a random probability by a bell-shaped kernel, whose widths are drawn once for all.
pub type RandomGaussianBlur = ImageLayer<GaussianBlur>;

/// The kind of [`RandomGaussianBlur`].
#[derive(Clone, Debug)]
pub struct GaussianBlur {
    factor: Factor,
    kernel_size: [usize; 2],
    sigma: Factor,
}

impl RandomGaussianBlur {
    /// With a probability up to this number, or between two, from 0 to 1. The kernel is 3 × 3.
    pub fn new(factor: impl Into<Factor>) -> RandomGaussianBlur {
        let sigma = Factor::UpTo(1.0);
        ImageLayer::of(GaussianBlur { factor: factor.into(), kernel_size: [3, 3], sigma })
    }

    /// The kernel's width and height, both odd.
    pub fn kernel_size(mut self, width: usize, height: usize) -> RandomGaussianBlur {
        self.kind.kernel_size = [width, height];
        self
    }

    /// The standard deviation in pixels, from 0 to 1: up to this number, or between two.
    pub fn sigma(mut self, sigma: impl Into<Factor>) -> RandomGaussianBlur {
        self.kind.sigma = sigma.into();
        self
    }
}

impl GaussianBlur {
    /// The ranges of the probability and of the widths.
    fn ranges(&self) -> Result<[(f64, f64); 2]> {
        Factor::ranges(Self::CLASS, [("factor", self.factor), ("sigma", self.sigma)], (0.0, 1.0))
    }
}

/// A bell of `size` weights that sum to 1.
fn bell<'b>(size: usize, sigma: Expr<'b>) -> Vec<Expr<'b>> {
    let middle = (size as f64 - 1.0) / 2.0;
    let weight = |place: usize| (sigma.number(place as f64 - middle) / sigma).square();
    let weights: Vec<Expr<'b>> = (0..size).map(|place| (weight(place) * -0.5).exp()).collect();
    let total = weights.iter().copied().reduce(|sum, weight| sum + weight).unwrap_or(sigma);
    weights.into_iter().map(|weight| weight / total).collect()
}

impl ImageKind for GaussianBlur {
    const CLASS: &'static str = "RandomGaussianBlur";

    fn from_config(config: &LayerConfig<'_>) -> Result<GaussianBlur> {
        let kernel_size = config.integers("kernel_size")?.unwrap_or_else(|| vec![3]);
        let sizes: Option<Vec<usize>> = kernel_size.iter().map(|&size| usize::try_from(size).ok()).collect();
        let kernel_size = match sizes.as_deref() {
            Some(&[size]) => [size, size],
            Some(&[width, height]) => [width, height],
            Some(_) | None => return Err(config.wrong("kernel_size", "an odd number or a list of two")),
        };
        Ok(GaussianBlur {
            factor: Factor::read(config, "factor")?.unwrap_or(Factor::UpTo(1.0)),
            kernel_size,
            sigma: Factor::read(config, "sigma")?.unwrap_or(Factor::UpTo(1.0)),
        })
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        let [factor, sigma] = self.ranges()?;
        config.insert("factor".into(), json!(factor));
        config.insert("kernel_size".into(), json!(self.kernel_size));
        config.insert("sigma".into(), json!(sigma));
        settings.write_range(config);
        settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.ranges()?;
        match self.kernel_size.iter().all(|size| size % 2 == 1) {
            true => Ok(()),
            false => {
                let given = json!(self.kernel_size);
                Err(Error::config(Self::CLASS, "kernel_size", given, "odd numbers"))
            }
        }
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        let [factor, sigma] = self.ranges()?;
        let blurred = draw.chance(factor)?;
        let horizontal = bell(self.kernel_size[0], draw.uniform(&[], sigma)? + 1e-6);
        let vertical = bell(self.kernel_size[1], draw.uniform(&[], sigma)? + 1e-6);
        let smooth = filter(filter(images, 1, &vertical), 2, &horizontal);
        Ok(draw.settings.clip(blurred.select(smooth, images)))
    }
}

impl Random for GaussianBlur {}
impl Ranged for GaussianBlur {}
