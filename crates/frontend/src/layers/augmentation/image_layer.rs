//! ImageLayer: what all layers that change images do alike; what they do to an image is their kind.

use std::fmt;

use cornu_ir::{DType, Expr};

use super::super::{Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, only};
use super::draw::Draw;
use super::settings::Settings;
use crate::error::{Error, Result};

/// A layer that changes images, `(batch, height, width, channels)` or one without a batch.
#[derive(Clone, Debug, Default)]
pub struct ImageLayer<K> {
    pub(super) kind: K,
    pub(super) settings: Settings,
}

/// What an [`ImageLayer`] does: its own arguments, and its formula.
pub trait ImageKind: Clone + fmt::Debug + Send + Sync + 'static {
    /// Keras's name of the layer.
    const CLASS: &'static str;

    /// True if it changes images outside of training too.
    const ALWAYS: bool = false;

    /// From its own arguments.
    fn from_config(config: &LayerConfig<'_>) -> Result<Self>;

    /// Writes its arguments and those of `settings` that the layer has, without `data_format`, in Keras's order.
    fn write(&self, settings: &Settings, config: &mut Config) -> Result<()>;

    /// Checks its arguments.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The images changed. They are `f32`, `(batch, height, width, channels)`.
    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>>;
}

/// A kind that draws random numbers.
pub trait Random: ImageKind {}

/// A kind for which it counts which values are black and white.
pub trait Ranged: ImageKind {}

impl<K: ImageKind> ImageLayer<K> {
    pub(super) fn of(kind: K) -> ImageLayer<K> {
        ImageLayer { kind, settings: Settings::default() }
    }

    /// Which axis holds the channels.
    pub fn data_format(mut self, format: DataFormat) -> ImageLayer<K> {
        self.settings.data_format = format;
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<ImageLayer<K>> {
        Ok(ImageLayer { kind: K::from_config(config)?, settings: Settings::read(config)? })
    }
}

impl<K: Random> ImageLayer<K> {
    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> ImageLayer<K> {
        self.settings.seed = Some(seed);
        self
    }
}

impl<K: Ranged> ImageLayer<K> {
    /// The values of black and white; by default 0 and 255.
    pub fn value_range(mut self, black: f64, white: f64) -> ImageLayer<K> {
        self.settings.value_range = (black.min(white), black.max(white));
        self
    }
}

impl<K: ImageKind> Layer for ImageLayer<K> {
    fn class_name(&self) -> &str {
        K::CLASS
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.settings.data_format.write(&mut config);
        self.kind.write(&self.settings, &mut config)?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        check_images(inputs)?;
        self.kind.check()
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?.cast(DType::F32);
        if !(K::ALWAYS || context.training()) {
            return Ok(vec![x]);
        }
        let data_format = self.settings.data_format;
        let single = x.rank() == 3;
        let images = data_format.channels_last(if single { x.expand(0) } else { x });
        let mut draw = Draw { context, settings: self.settings, batch: images.shape()[0] };
        let changed = data_format.restored(self.kind.transform(&mut draw, images)?);
        Ok(vec![if single { changed.squeeze(&[0]) } else { changed }])
    }
}

/// An image or a batch of them.
pub(super) fn check_images(inputs: &[Spec]) -> Result<()> {
    let input = only(inputs)?;
    match input.rank() {
        3 | 4 => Ok(()),
        _ => Err(Error::Layer {
            path: String::new(),
            reason: format!(
                "takes images, (batch, height, width, channels) or without a batch; it got {input}"
            ),
        }),
    }
}
