//! Cropping: elements taken away along the axes of space. Keras: `Cropping1D`, `Cropping2D`, `Cropping3D`.

use cornu_ir::Expr;

use super::Margins;
use crate::error::{Error, Result};
use crate::layers::{
    Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, numbered, of_rank, only,
};

/// `(batch, …space, channels)` without some elements before and after along each of the `N` axes of space.
#[derive(Clone, Debug)]
pub struct Cropping<const N: usize> {
    cropping: Margins<N>,
    format: DataFormat,
}

/// For sequences. Keras: `Cropping1D`.
pub type Cropping1D = Cropping<1>;
/// For images. Keras: `Cropping2D`.
pub type Cropping2D = Cropping<2>;
/// For volumes. Keras: `Cropping3D`.
pub type Cropping3D = Cropping<3>;

/// What Keras takes away by default: nothing of images.
const fn default_margin(axes: usize) -> usize {
    if axes == 2 { 0 } else { 1 }
}

impl<const N: usize> Default for Cropping<N> {
    fn default() -> Cropping<N> {
        Cropping::new(default_margin(N))
    }
}

impl<const N: usize> Cropping<N> {
    const CLASS: [&'static str; 3] = ["Cropping1D", "Cropping2D", "Cropping3D"];

    /// How many elements: `2` on all sides, `[2, 1]` for each of two axes, `[[0, 1], [2, 3]]` for each side of each.
    pub fn new(cropping: impl Into<Margins<N>>) -> Cropping<N> {
        Cropping { cropping: cropping.into(), format: DataFormat::default() }
    }

    /// For images and volumes whose channels are axis 1.
    pub fn channels_first(mut self) -> Cropping<N> {
        self.format = DataFormat::ChannelsFirst;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<Cropping<N>> {
        let cropping = Margins::from_config(config, "cropping", default_margin(N))?;
        let format = if N == 1 { DataFormat::default() } else { DataFormat::from_config(config)? };
        Ok(Cropping { cropping, format })
    }
}

impl<const N: usize> Layer for Cropping<N> {
    fn class_name(&self) -> &str {
        numbered::<N>(Self::CLASS)
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::from_iter([("cropping".into(), self.cropping.config())]);
        if N > 1 {
            self.format.write(&mut config);
        }
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        if N == 1 {
            self.format.check_last(self.class_name())?;
        }
        of_rank(self.class_name(), N + 2, &only(inputs)?)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let shape = x.shape();
        let [before, after] = self.cropping.on(self.format.spatial_axes(x.rank()), x.rank());
        if let Some(axis) =
            (0..x.rank()).find(|&axis| before[axis].saturating_add(after[axis]) >= shape[axis].max(1))
        {
            let needed =
                format!("less than the {} elements along axis {axis} of the input {}", shape[axis], x.ty());
            return Err(Error::config(self.class_name(), "cropping", self.cropping.config(), needed));
        }
        let stop: Vec<usize> = shape.iter().zip(&after).map(|(size, after)| size - after).collect();
        Ok(vec![x.slice(&before, &stop, &vec![1; x.rank()])])
    }
}
