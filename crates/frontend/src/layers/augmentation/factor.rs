//! Factors: how strong a random change is.

use serde_json::{Value, json};

use super::super::LayerConfig;
use crate::error::{Error, Result};

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

    /// The ends of several factors with the same bounds, by their keys.
    pub(super) fn ranges<const N: usize>(
        class: &str,
        factors: [(&str, Factor); N],
        bounds: (f64, f64),
    ) -> Result<[(f64, f64); N]> {
        let mut ranges = [bounds; N];
        for (range, (key, factor)) in ranges.iter_mut().zip(factors) {
            *range = factor.range(class, key, bounds)?;
        }
        Ok(ranges)
    }

    /// As the user gave it.
    pub(super) fn json(self) -> Value {
        match self {
            Factor::UpTo(number) => json!(number),
            Factor::Between(low, high) => json!([low, high]),
        }
    }
}
