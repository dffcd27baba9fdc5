//! ByFactor: changes of images whose strength is one random number for each.

use std::fmt;
use std::marker::PhantomData;

use cornu_ir::Expr;
use serde_json::json;

use super::super::{Config, LayerConfig};
use super::draw::Draw;
use super::factor::Factor;
use super::image_layer::{ImageKind, ImageLayer, Random, Ranged};
use super::settings::Settings;
use crate::error::Result;

/// The kind of layer that makes a change as strong as its argument `factor` says.
#[derive(Clone, Debug)]
pub struct ByFactor<C> {
    factor: Factor,
    change: PhantomData<C>,
}

/// What is done to images.
pub trait Change: Clone + fmt::Debug + Send + Sync + 'static {
    /// Keras's name of the layer.
    const CLASS: &'static str;
    /// The least and the greatest factor.
    const BOUNDS: (f64, f64);
    /// The factor where a file names none.
    const DEFAULT: Factor = Factor::UpTo(0.0);

    /// The images changed by factors of this range.
    fn change<'b>(draw: &mut Draw<'_, '_, 'b>, range: (f64, f64), images: Expr<'b>) -> Result<Expr<'b>>;
}

impl<C: Change> ImageLayer<ByFactor<C>> {
    /// With random factors: up to this number, or between two.
    pub fn new(factor: impl Into<Factor>) -> ImageLayer<ByFactor<C>> {
        ImageLayer::of(ByFactor { factor: factor.into(), change: PhantomData })
    }
}

impl<C: Change> ByFactor<C> {
    fn range(&self) -> Result<(f64, f64)> {
        self.factor.range(C::CLASS, "factor", C::BOUNDS)
    }
}

impl<C: Change> ImageKind for ByFactor<C> {
    const CLASS: &'static str = C::CLASS;

    fn from_config(config: &LayerConfig<'_>) -> Result<ByFactor<C>> {
        let factor = Factor::read(config, "factor")?.unwrap_or(C::DEFAULT);
        Ok(ByFactor { factor, change: PhantomData })
    }

    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()> {
        config.insert("factor".into(), json!(self.range()?));
        settings.write_range(config);
        settings.write_seed(config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.range().map(drop)
    }

    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>> {
        C::change(draw, self.range()?, images)
    }
}

impl<C: Change> Random for ByFactor<C> {}
impl<C: Change> Ranged for ByFactor<C> {}
