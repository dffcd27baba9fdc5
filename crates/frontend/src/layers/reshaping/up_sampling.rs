//! UpSampling: every element several times along the axes of space. Keras: `UpSampling1D`, `UpSampling2D`,
//! `UpSampling3D`.

use cornu_ir::Expr;
use serde_json::json;

use super::numbered;
use crate::error::{Error, Result};
use crate::layers::DataFormat;
use crate::layers::resize::{Interpolation, resize};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, of_rank, only};

/// `(batch, …space, channels)` with each of the `N` sizes of space multiplied by its factor. Elements are repeated;
/// images can be interpolated instead.
#[derive(Clone, Debug)]
pub struct UpSampling<const N: usize> {
    size: [usize; N],
    format: DataFormat,
    interpolation: Interpolation,
}

/// For sequences. Keras: `UpSampling1D`.
pub type UpSampling1D = UpSampling<1>;
/// For images. Keras: `UpSampling2D`.
pub type UpSampling2D = UpSampling<2>;
/// For volumes. Keras: `UpSampling3D`.
pub type UpSampling3D = UpSampling<3>;

impl<const N: usize> Default for UpSampling<N> {
    fn default() -> UpSampling<N> {
        UpSampling::new([2; N])
    }
}

impl<const N: usize> UpSampling<N> {
    const CLASS: [&'static str; 3] = ["UpSampling1D", "UpSampling2D", "UpSampling3D"];

    /// With a factor for each axis of space.
    pub fn new(size: [usize; N]) -> UpSampling<N> {
        UpSampling { size, format: DataFormat::default(), interpolation: Interpolation::default() }
    }

    /// For images and volumes whose channels are axis 1.
    pub fn channels_first(mut self) -> UpSampling<N> {
        self.format = DataFormat::ChannelsFirst;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<UpSampling<N>> {
        let mut layer = UpSampling::new(sizes(config)?);
        if N > 1 {
            layer.format = DataFormat::from_config(config)?;
        }
        if N == 2 {
            layer.interpolation = Interpolation::named(config.text("interpolation")?.unwrap_or("nearest"))?;
        }
        Ok(layer)
    }
}

impl UpSampling<2> {
    /// By Keras's name: `"nearest"`, the default, `"bilinear"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
    pub fn interpolation(mut self, name: &str) -> Result<UpSampling<2>> {
        self.interpolation = Interpolation::named(name)?;
        Ok(self)
    }
}

/// A factor for each axis; one stands for all.
fn sizes<const N: usize>(config: &LayerConfig<'_>) -> Result<[usize; N]> {
    let given = config.integers("size")?.unwrap_or(vec![2]);
    let given = if given.len() == 1 { vec![given[0]; N] } else { given };
    let sizes = given.into_iter().map(|size| usize::try_from(size).ok().filter(|&size| size > 0));
    let sizes = sizes.collect::<Option<Vec<_>>>().and_then(|sizes| sizes.try_into().ok());
    sizes.ok_or_else(|| config.wrong("size", format!("a whole number of 1 or more, or {N} of them")))
}

/// Each element `times` times along the axis.
fn repeat(x: Expr<'_>, axis: usize, times: usize) -> Expr<'_> {
    let mut shape = x.shape().to_vec();
    let kept: Vec<usize> = (0..=shape.len()).filter(|&other| other != axis + 1).collect();
    let mut repeated = shape.clone();
    repeated.insert(axis + 1, times);
    shape[axis] *= times;
    x.broadcast(repeated, &kept).reshape(shape)
}

impl<const N: usize> Layer for UpSampling<N> {
    fn class_name(&self) -> &str {
        numbered::<N>(Self::CLASS)
    }

    fn config(&self) -> Result<Config> {
        let size = if N == 1 { json!(self.size[0]) } else { json!(self.size.to_vec()) };
        let mut config = Config::from_iter([("size".into(), size)]);
        if N > 1 {
            config.insert("data_format".into(), self.format.config());
        }
        if N == 2 {
            config.insert("interpolation".into(), json!(self.interpolation.name()));
        }
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        if self.size.contains(&0) {
            let given = json!(self.size.to_vec());
            return Err(Error::config(self.class_name(), "size", given, "whole numbers of 1 or more"));
        }
        if N == 1 && self.format == DataFormat::ChannelsFirst {
            let given = self.format.config();
            return Err(Error::config(self.class_name(), "data_format", given, "channels_last"));
        }
        of_rank(self.class_name(), N + 2, &only(inputs)?)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let axes = self.format.spatial_axes(x.rank());
        if self.size.iter().try_fold(x.ty().bytes(), |bytes, &times| bytes.checked_mul(times)).is_none() {
            let needed = format!("small enough for memory to hold what becomes of {}", x.ty());
            return Err(Error::config(self.class_name(), "size", json!(self.size.to_vec()), needed));
        }
        if self.interpolation == Interpolation::Nearest {
            return Ok(vec![axes.zip(self.size).fold(x, |x, (axis, times)| repeat(x, axis, times))]);
        }
        let [rows, columns] = [axes.start, axes.start + 1];
        let sizes = [x.shape()[rows] * self.size[0], x.shape()[columns] * self.size[1]];
        Ok(vec![resize(x, [rows, columns], sizes, self.interpolation, false)])
    }
}
