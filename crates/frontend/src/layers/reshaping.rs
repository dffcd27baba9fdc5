//! Layers that move, repeat, pad and crop. What those of one, two and three spatial axes share is here.

mod cropping;
mod permute;
mod repeat_vector;
mod up_sampling;
mod zero_padding;

pub use cropping::{Cropping, Cropping1D, Cropping2D, Cropping3D};
pub use permute::Permute;
pub use repeat_vector::RepeatVector;
pub use up_sampling::{UpSampling, UpSampling1D, UpSampling2D, UpSampling3D};
pub use zero_padding::{ZeroPadding, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D};

use cornu_ir::Type;
use serde_json::{Value, json};

use super::LayerConfig;
use crate::error::{Error, Result};

/// How much is added or taken before and after the elements along each of `N` axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins<const N: usize>([[usize; 2]; N]);

impl<const N: usize> From<usize> for Margins<N> {
    /// Equal on all sides.
    fn from(margin: usize) -> Margins<N> {
        Margins([[margin; 2]; N])
    }
}

impl<const N: usize> From<[usize; N]> for Margins<N> {
    /// For each axis, equal on both sides.
    fn from(margins: [usize; N]) -> Margins<N> {
        Margins(margins.map(|margin| [margin; 2]))
    }
}

impl<const N: usize> From<[[usize; 2]; N]> for Margins<N> {
    /// For each axis, before and after.
    fn from(margins: [[usize; 2]; N]) -> Margins<N> {
        Margins(margins)
    }
}

impl From<[usize; 2]> for Margins<1> {
    /// Before and after.
    fn from(margins: [usize; 2]) -> Margins<1> {
        Margins([margins])
    }
}

impl<const N: usize> Margins<N> {
    /// The argument under `key`, in any of Keras's forms, or `default` on all sides.
    fn from_config(config: &LayerConfig<'_>, key: &str, default: usize) -> Result<Margins<N>> {
        let Some(value) = config.value(key) else { return Ok(default.into()) };
        let read = || match (value, N) {
            (Value::Array(_), 1) => Some(Margins([pair(value)?; N])),
            (Value::Array(items), _) => {
                let pairs = items.iter().map(pair).collect::<Option<Vec<_>>>()?;
                pairs.try_into().ok().map(Margins)
            }
            (_, _) => pair(value).map(|margins| Margins([margins; N])),
        };
        let needed = match N {
            1 => "a whole number that is not negative, or two of them, before and after".to_string(),
            _ => format!("a whole number that is not negative, or {N} of them, or {N} pairs of them"),
        };
        read().ok_or_else(|| config.wrong(key, needed))
    }

    /// As Keras writes it: a pair for each axis, and for one axis the pair alone.
    fn config(&self) -> Value {
        match self.0[..] {
            [only] => json!(only),
            _ => json!(self.0.to_vec()),
        }
    }

    /// The sizes before and after along all axes of an input, of which `axes` are these.
    fn on(&self, axes: impl Iterator<Item = usize>, rank: usize) -> [Vec<usize>; 2] {
        let mut sides = [vec![0; rank], vec![0; rank]];
        for (axis, margins) in axes.zip(self.0) {
            (sides[0][axis], sides[1][axis]) = (margins[0], margins[1]);
        }
        sides
    }
}

/// Fails if an output of so many times the elements of a value is larger than any memory. What fits is found later.
fn fits_memory(class: &str, key: &str, given: Value, times: &[usize], ty: &Type) -> Result<()> {
    match times.iter().try_fold(ty.bytes(), |bytes, &times| bytes.checked_mul(times)) {
        Some(_) => Ok(()),
        None => {
            let needed = format!("small enough for memory to hold what becomes of {ty}");
            Err(Error::config(class, key, given, needed))
        }
    }
}

/// A number stands for two of it.
fn pair(value: &Value) -> Option<[usize; 2]> {
    let size = |value: &Value| value.as_u64().and_then(|size| usize::try_from(size).ok());
    match value {
        Value::Array(items) => match &items[..] {
            [before, after] => Some([size(before)?, size(after)?]),
            _ => None,
        },
        number => size(number).map(|size| [size; 2]),
    }
}
