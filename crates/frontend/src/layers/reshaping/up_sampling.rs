//! UpSampling: every element several times along the axes of space. Keras: `UpSampling1D`, `UpSampling2D`,
//! `UpSampling3D`.

use cornu_ir::Expr;
use serde_json::json;

use super::fits_memory;
use crate::error::Result;
use crate::layers::resize::{Interpolation, resize};
use crate::layers::spatial::Sizes;
use crate::layers::{
    Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, numbered, of_rank, only,
};

/// `(batch, …space, channels)` with each of the `N` sizes of space multiplied by its factor. Elements are repeated;
/// images can be interpolated instead.
#[derive(Clone, Debug)]
pub struct UpSampling<const N: usize> {
    size: Sizes<N>,
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
        UpSampling::new(2)
    }
}

impl<const N: usize> UpSampling<N> {
    const CLASS: [&'static str; 3] = ["UpSampling1D", "UpSampling2D", "UpSampling3D"];

    /// With this factor along each axis of space, or with one for each: `[2, 3]`.
    pub fn new(size: impl Into<Sizes<N>>) -> UpSampling<N> {
        UpSampling {
            size: size.into(),
            format: DataFormat::default(),
            interpolation: Interpolation::default(),
        }
    }

    /// For images and volumes whose channels are axis 1.
    pub fn channels_first(mut self) -> UpSampling<N> {
        self.format = DataFormat::ChannelsFirst;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<UpSampling<N>> {
        let mut layer = UpSampling::new(Sizes::from_config(config, "size")?.unwrap_or(2.into()));
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

/// Each element `times` times along the axis.
fn repeat(x: Expr<'_>, axis: usize, times: usize) -> Expr<'_> {
    let mut shape = x.shape().to_vec();
    let kept: Vec<usize> = (0..=shape.len()).filter(|&other| other != axis + 1).collect();
    let mut repeated = shape.clone();
    repeated.insert(axis + 1, times);
    shape[axis] = shape[axis].saturating_mul(times);
    x.broadcast(repeated, &kept).reshape(shape)
}

impl<const N: usize> Layer for UpSampling<N> {
    fn class_name(&self) -> &str {
        numbered::<N>(Self::CLASS)
    }

    fn config(&self) -> Result<Config> {
        let size = if N == 1 { json!(self.size.0[0]) } else { self.size.json() };
        let mut config = Config::from_iter([("size".into(), size)]);
        if N > 1 {
            self.format.write(&mut config);
        }
        if N == 2 {
            config.insert("interpolation".into(), json!(self.interpolation.name()));
        }
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        self.size.check_positive(self.class_name(), "size")?;
        if N == 1 {
            self.format.check_last(self.class_name())?;
        }
        of_rank(self.class_name(), N + 2, &only(inputs)?)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let axes = self.format.spatial_axes(x.rank());
        fits_memory(self.class_name(), "size", self.size.json(), &self.size.0, &x.ty())?;
        if self.interpolation == Interpolation::Nearest {
            return Ok(vec![axes.zip(self.size.0).fold(x, |x, (axis, times)| repeat(x, axis, times))]);
        }
        let [rows, columns] = [axes.start, axes.start + 1];
        let size = |axis: usize, place: usize| x.shape()[axis].saturating_mul(self.size.0[place]);
        let sizes = [size(rows, 0), size(columns, 1)];
        Ok(vec![resize(x, [rows, columns], sizes, self.interpolation, false)])
    }
}
