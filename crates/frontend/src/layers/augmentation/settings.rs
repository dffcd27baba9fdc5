//! What all image layers share: the format of images, seeds, ranges of values, and how a call is framed.

use cornu_ir::{DType, Expr, Shape};
use serde_json::{Value, json};

use super::super::{Config, Context, DataFormat, Layer, LayerConfig, Spec, only};
use crate::error::{Error, Result};

/// The arguments that many image layers have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) data_format: DataFormat,
    pub(super) seed: Option<i64>,
    pub(super) value_range: (f64, f64),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { data_format: DataFormat::default(), seed: None, value_range: (0.0, 255.0) }
    }
}

impl Settings {
    pub(super) fn read(config: &LayerConfig<'_>) -> Result<Settings> {
        let value_range = match config.numbers("value_range")?.as_deref() {
            None => (0.0, 255.0),
            Some(&[a, b]) => (a.min(b), a.max(b)),
            Some(_) => return Err(config.wrong("value_range", "a list of two numbers")),
        };
        if config.value("bounding_box_format").is_some() {
            let needed = "left out: boxes are not transformed along with images";
            return Err(config.wrong("bounding_box_format", needed));
        }
        let data_format = DataFormat::from_config(config)?;
        Ok(Settings { data_format, seed: config.seed("seed")?, value_range })
    }

    /// The argument `seed`.
    pub(super) fn write_seed(&self, config: &mut Config) {
        config.insert("seed".into(), json!(self.seed));
    }

    /// The argument `value_range`.
    pub(super) fn write_range(&self, config: &mut Config) {
        config.insert("value_range".into(), json!([self.value_range.0, self.value_range.1]));
    }

    /// Values of the layer's range brought to 0…`to`, and back by [`Settings::scaled_back`].
    pub(super) fn scaled<'b>(&self, x: Expr<'b>, to: f64) -> Expr<'b> {
        let (low, high) = self.value_range;
        if (low, high) == (0.0, to) { x } else { (x - low) / (high - low) * to }
    }

    /// Values of 0…`from` brought to the layer's range.
    pub(super) fn scaled_back<'b>(&self, x: Expr<'b>, from: f64) -> Expr<'b> {
        let (low, high) = self.value_range;
        if (low, high) == (0.0, from) { x } else { x / from * (high - low) + low }
    }

    /// Values cut to the layer's range.
    pub(super) fn clip<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        x.clip(self.value_range.0, self.value_range.1)
    }
}

/// An image layer: what it says beyond the shared settings. Its images are `f32`, `(batch, height, width, channels)`.
pub(super) trait ImageLayer: Layer {
    /// True if it changes images outside of training too.
    const ALWAYS: bool = false;

    /// The shared arguments.
    fn settings(&self) -> &Settings;

    /// Writes its arguments, without `data_format`, in Keras's order.
    fn write(&self, config: &mut Config) -> Result<()>;

    /// Checks its arguments.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The images changed.
    fn transform<'b>(&self, draw: &mut Draw<'_, '_, 'b>, images: Expr<'b>) -> Result<Expr<'b>>;
}

/// Implements [`Layer`] by [`ImageLayer`], and the arguments that the layer names: `seed`, `value_range`.
macro_rules! image_layer {
    ($layer:ident $(, $argument:ident)*) => {
        impl Layer for $layer {
            fn class_name(&self) -> &str {
                stringify!($layer)
            }

            fn config(&self) -> Result<Config> {
                let mut config = Config::new();
                self.settings().data_format.write(&mut config);
                self.write(&mut config)?;
                Ok(config)
            }

            fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
                $crate::layers::augmentation::settings::check_images(inputs)?;
                self.check()
            }

            fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
                $crate::layers::augmentation::settings::call(self, context, inputs)
            }
        }

        impl $layer {
            /// Which axis holds the channels.
            pub fn data_format(mut self, format: $crate::layers::DataFormat) -> $layer {
                self.settings.data_format = format;
                self
            }

            $(image_layer!(@$argument $layer);)*
        }
    };
    (@seed $layer:ident) => {
        /// With random numbers of its own.
        pub fn seed(mut self, seed: i64) -> $layer {
            self.settings.seed = Some(seed);
            self
        }
    };
    (@value_range $layer:ident) => {
        /// The values of black and white; by default 0 and 255.
        pub fn value_range(mut self, black: f64, white: f64) -> $layer {
            self.settings.value_range = (black.min(white), black.max(white));
            self
        }
    };
}
pub(super) use image_layer;

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

/// Brings images into the form that [`ImageLayer::transform`] takes, and back.
pub(super) fn call<'b, L: ImageLayer>(
    layer: &L,
    context: &mut Context<'_, 'b>,
    inputs: &[Expr<'b>],
) -> Result<Vec<Expr<'b>>> {
    let x = only(inputs)?.cast(DType::F32);
    if !(L::ALWAYS || context.training()) {
        return Ok(vec![x]);
    }
    let settings = layer.settings();
    let single = x.rank() == 3;
    let images = settings.data_format.channels_last(if single { x.expand(0) } else { x });
    let mut draw = Draw { context, seed: settings.seed, batch: images.shape()[0] };
    let changed = settings.data_format.restored(layer.transform(&mut draw, images)?);
    Ok(vec![if single { changed.squeeze(&[0]) } else { changed }])
}

/// Random numbers for a batch of images.
pub(super) struct Draw<'d, 'c, 'b> {
    pub(super) context: &'d mut Context<'c, 'b>,
    seed: Option<i64>,
    batch: usize,
}

impl<'b> Draw<'_, '_, 'b> {
    /// A number for each image, `(batch, 1, 1, 1)`, uniform in a range. A range of one number draws nothing.
    pub(super) fn each(&mut self, (low, high): (f64, f64)) -> Result<Expr<'b>> {
        self.uniform(&[self.batch, 1, 1, 1], (low, high))
    }

    /// Numbers of this shape, uniform in a range.
    pub(super) fn uniform(&mut self, shape: &[usize], (low, high): (f64, f64)) -> Result<Expr<'b>> {
        let shape: Shape = shape.iter().copied().collect();
        if low == high {
            return Ok(self.context.builder().scalar(DType::F32, low).broadcast_scalar(&shape));
        }
        Ok(self.context.random_uniform(&shape, self.seed)? * (high - low) + low)
    }

    /// For each image whether to act, with a probability that is itself drawn from a range.
    pub(super) fn chance(&mut self, probability: (f64, f64)) -> Result<Expr<'b>> {
        let probability = self.each(probability)?;
        Ok(self.each((0.0, 1.0))?.lt(probability))
    }

    /// 1 or -1 for each image.
    pub(super) fn sign(&mut self) -> Result<Expr<'b>> {
        let draw = self.each((0.0, 1.0))?;
        Ok(draw.gt(draw.number(0.5)).select(draw.full_like(-1.0), draw.full_like(1.0)))
    }
}

/// How strong a random change is: up to a number in either direction, or between two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    /// From minus this number, or from the least that the layer allows, to this number.
    UpTo(f64),
    /// Between these two.
    Between(f64, f64),
}

impl From<f64> for Factor {
    fn from(number: f64) -> Factor {
        Factor::UpTo(number)
    }
}

impl From<(f64, f64)> for Factor {
    fn from((low, high): (f64, f64)) -> Factor {
        Factor::Between(low, high)
    }
}

impl Factor {
    /// The argument under `key`, if it is given.
    pub(super) fn read(config: &LayerConfig<'_>, key: &str) -> Result<Option<Factor>> {
        let read = |value: &Value| match value {
            Value::Array(items) => match items.as_slice() {
                [low, high] => Some(Factor::Between(low.as_f64()?, high.as_f64()?)),
                _ => None,
            },
            other => other.as_f64().map(Factor::UpTo),
        };
        let value = config.value(key);
        value
            .map(|value| read(value).ok_or_else(|| config.wrong(key, "a number or a list of two")))
            .transpose()
    }

    /// The argument under `key`, or 0.
    pub(super) fn read_or_zero(config: &LayerConfig<'_>, key: &str) -> Result<Factor> {
        Ok(Factor::read(config, key)?.unwrap_or(Factor::UpTo(0.0)))
    }

    /// The two ends, which must lie within `bounds`.
    pub(super) fn range(self, class: &str, key: &str, bounds: (f64, f64)) -> Result<(f64, f64)> {
        let allowed = |number: f64| bounds.0 <= number && number <= bounds.1;
        match self {
            Factor::UpTo(number) if allowed(number) => Ok((bounds.0.max(-number.abs()), number.abs())),
            Factor::Between(a, b) if allowed(a) && allowed(b) => Ok((a.min(b), a.max(b))),
            Factor::UpTo(_) | Factor::Between(..) => {
                let needed = format!("a number or two from {} to {}", bounds.0, bounds.1);
                Err(Error::config(class, key, self.json(), needed))
            }
        }
    }

    /// As the user gave it.
    pub(super) fn json(self) -> Value {
        match self {
            Factor::UpTo(number) => json!(number),
            Factor::Between(low, high) => json!([low, high]),
        }
    }
}
