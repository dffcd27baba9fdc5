//! Rescaling: a scale and an offset. Keras: `Rescaling`.

use cornu_ir::{Expr, Tensor};
use serde_json::{Value, json};

use super::super::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::error::{Error, Result};

/// One number, or one for each channel.
#[derive(Clone, Debug, PartialEq)]
pub enum PerChannel {
    /// The same number everywhere.
    One(f64),
    /// A number for each place of the last axis.
    Each(Vec<f64>),
}

impl From<f64> for PerChannel {
    fn from(number: f64) -> PerChannel {
        PerChannel::One(number)
    }
}

impl<const N: usize> From<[f64; N]> for PerChannel {
    fn from(numbers: [f64; N]) -> PerChannel {
        PerChannel::Each(numbers.to_vec())
    }
}

impl From<Vec<f64>> for PerChannel {
    fn from(numbers: Vec<f64>) -> PerChannel {
        PerChannel::Each(numbers)
    }
}

impl PerChannel {
    fn read(config: &LayerConfig<'_>, key: &str) -> Result<Option<PerChannel>> {
        // Arrays stand in an object of their own.
        let value = config.value(key).map(|value| value.pointer("/config/value").unwrap_or(value));
        let read = |value: &Value| match value {
            Value::Array(items) => {
                items.iter().map(Value::as_f64).collect::<Option<_>>().map(PerChannel::Each)
            }
            other => other.as_f64().map(PerChannel::One),
        };
        let needed = "a number or a list of numbers, one for each channel";
        value.map(|value| read(value).ok_or_else(|| config.wrong(key, needed))).transpose()
    }

    fn json(&self) -> Value {
        match self {
            PerChannel::One(number) => json!(number),
            PerChannel::Each(numbers) => json!(numbers),
        }
    }

    fn check(&self, key: &str, input: &Spec) -> Result<()> {
        match self {
            PerChannel::Each(numbers) if numbers.len() != 1 && Some(numbers.len()) != input.last() => {
                let needed = format!("one number, or one for each place of the last axis of {input}");
                Err(Error::config("Rescaling", key, json!(numbers), needed))
            }
            PerChannel::One(_) | PerChannel::Each(_) => Ok(()),
        }
    }

    fn beside<'b>(&self, x: Expr<'b>) -> Expr<'b> {
        match self {
            PerChannel::One(number) => x.number(*number),
            PerChannel::Each(numbers) if numbers.len() == 1 => x.number(numbers[0]),
            PerChannel::Each(numbers) => {
                let numbers = Tensor::vector(numbers.iter().map(|&x| x as f32).collect::<Vec<_>>());
                x.constant(numbers).cast(x.dtype()).broadcast_leading(&x.shape())
            }
        }
    }
}

/// `x·scale + offset`. Any shape; whole numbers become floats.
#[derive(Clone, Debug)]
pub struct Rescaling {
    scale: PerChannel,
    offset: PerChannel,
}

impl Rescaling {
    /// Multiplies by `scale`: `1.0 / 255.0` for bytes of images.
    pub fn new(scale: impl Into<PerChannel>) -> Rescaling {
        Rescaling { scale: scale.into(), offset: PerChannel::One(0.0) }
    }

    /// What is added afterwards.
    pub fn offset(mut self, offset: impl Into<PerChannel>) -> Rescaling {
        self.offset = offset.into();
        self
    }

    pub(in super::super) fn from_config(config: &LayerConfig<'_>) -> Result<Rescaling> {
        let scale = PerChannel::read(config, "scale")?;
        Ok(Rescaling {
            scale: scale.ok_or_else(|| config.wrong("scale", "a number or a list of numbers"))?,
            offset: PerChannel::read(config, "offset")?.unwrap_or(PerChannel::One(0.0)),
        })
    }
}

impl Layer for Rescaling {
    fn class_name(&self) -> &str {
        "Rescaling"
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("scale".into(), self.scale.json());
        config.insert("offset".into(), self.offset.json());
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        let input = only(inputs)?;
        self.scale.check("scale", &input)?;
        self.offset.check("offset", &input)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?.cast(context.compute_dtype());
        Ok(vec![x * self.scale.beside(x) + self.offset.beside(x)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
