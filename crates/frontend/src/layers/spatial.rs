//! What layers share that move a window over an input: sizes of each axis, padding, and the order of the axes.

use cornu_ir::ops::Sliding;
use cornu_ir::{Expr, Shape};
use serde_json::{Value, json};

use super::{LayerConfig, Spec};
use crate::error::{Error, Result};

/// A size for each of `RANK` axes; a number stands for the same size along all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes<const RANK: usize>(pub(super) [usize; RANK]);

impl<const RANK: usize> From<usize> for Sizes<RANK> {
    fn from(size: usize) -> Sizes<RANK> {
        Sizes([size; RANK])
    }
}

impl<const RANK: usize> From<[usize; RANK]> for Sizes<RANK> {
    fn from(sizes: [usize; RANK]) -> Sizes<RANK> {
        Sizes(sizes)
    }
}

impl<const RANK: usize> Sizes<RANK> {
    /// Reads a whole number or a list of as many as there are axes.
    pub(super) fn from_config(config: &LayerConfig<'_>, key: &str) -> Result<Option<Sizes<RANK>>> {
        let wrong = || config.wrong(key, format!("a whole number or a list of {RANK} of them"));
        let Some(numbers) = config.integers(key)? else { return Ok(None) };
        let sizes: Option<Vec<usize>> = numbers.into_iter().map(|size| usize::try_from(size).ok()).collect();
        let sizes = sizes.ok_or_else(wrong)?;
        let is_list = config.value(key).is_some_and(Value::is_array);
        match (is_list, sizes.as_slice()) {
            (false, &[size]) => Ok(Some(size.into())),
            (_, sizes) => {
                <[usize; RANK]>::try_from(sizes).map(|sizes| Some(Sizes(sizes))).map_err(|_| wrong())
            }
        }
    }

    /// Refuses a size of 0.
    pub(super) fn check_positive(&self, class: &str, key: &str) -> Result<()> {
        if self.0.contains(&0) {
            return Err(Error::config(class, key, self.json(), "sizes of 1 or more"));
        }
        Ok(())
    }

    /// As files have it: a list.
    pub(super) fn json(&self) -> Value {
        json!(self.0.as_slice())
    }
}

/// What lies around the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Nothing: windows lie within the input.
    #[default]
    Valid,
    /// As much that there are `⌈size / stride⌉` windows; what is odd goes to the end.
    Same,
    /// In front, as much that no window sees what comes after it. For one axis.
    Causal,
}

impl Padding {
    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            Padding::Valid => "valid",
            Padding::Same => "same",
            Padding::Causal => "causal",
        }
    }

    /// Reads `padding`, in whatever case.
    pub(super) fn from_config(config: &LayerConfig<'_>, causal: bool) -> Result<Padding> {
        let needed = if causal { "valid, same or causal" } else { "valid or same" };
        match config.text("padding")?.map(str::to_lowercase).as_deref() {
            None | Some("valid") => Ok(Padding::Valid),
            Some("same") => Ok(Padding::Same),
            Some("causal") if causal => Ok(Padding::Causal),
            Some(_) => Err(config.wrong("padding", needed)),
        }
    }

    /// Refuses padding that is for one axis alone.
    pub(super) fn check(self, class: &str, causal: bool) -> Result<()> {
        if self == Padding::Causal && !causal {
            return Err(Error::config(class, "padding", self.name(), "valid or same"));
        }
        Ok(())
    }

    /// Padding before and after `size` elements, for windows that reach over `reach` of them.
    fn around(self, size: usize, reach: usize, stride: usize) -> (usize, usize) {
        match self {
            Padding::Valid => (0, 0),
            Padding::Same => {
                let covered = size.div_ceil(stride).saturating_sub(1).saturating_mul(stride);
                let total = covered.saturating_add(reach).saturating_sub(size);
                (total / 2, total - total / 2)
            }
            Padding::Causal => (reach - 1, 0),
        }
    }
}

/// Refuses an input that has not `axes` axes beside batch and channels.
pub(super) fn check_rank(class: &str, path: String, input: &Spec, axes: usize) -> Result<()> {
    if input.rank() == axes + 2 {
        return Ok(());
    }
    let reason =
        format!("{class} needs an input of {} axes, batch and channels included; it got {input}", axes + 2);
    Err(Error::Layer { path, reason })
}

/// A window of some sizes and how it moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moving<'a> {
    pub(super) window: &'a [usize],
    pub(super) strides: &'a [usize],
    pub(super) dilation: &'a [usize],
    pub(super) padding: Padding,
}

impl Moving<'_> {
    /// How the window slides over an input `[batch, sizes…, channels]`. An error if it has no place there.
    pub(super) fn over(&self, class: &str, path: String, x: Expr<'_>) -> Result<Sliding> {
        let shape = x.shape();
        self.along(class, path, &shape[1..shape.rank() - 1]).map(|(sliding, _)| sliding)
    }

    /// How the window slides along axes of these sizes, and how many places it has along each.
    pub(super) fn along(&self, class: &str, path: String, sizes: &[usize]) -> Result<(Sliding, Shape)> {
        let mut sliding = Sliding { strides: self.strides.into(), ..Sliding::dense(sizes.len()) };
        sliding.dilation = self.dilation.into();
        let around = |axis: usize| {
            let reach = (self.window[axis] - 1).saturating_mul(self.dilation[axis]).saturating_add(1);
            self.padding.around(sizes[axis], reach, self.strides[axis])
        };
        sliding.low = (0..sizes.len()).map(|axis| around(axis).0).collect();
        sliding.high = (0..sizes.len()).map(|axis| around(axis).1).collect();
        match sliding.places(sizes, self.window) {
            Some(places) if !places.contains(&0) => Ok((sliding, places)),
            Some(_) | None => {
                let reason = format!(
                    "the window of {class}, {:?} with a dilation of {:?}, is larger than the input's {sizes:?}; \
                     take a smaller one, a larger input, or padding \"same\"",
                    self.window, self.dilation
                );
                Err(Error::Layer { path, reason })
            }
        }
    }
}
