//! ZeroPadding: zeros around the elements along the axes of space. Keras: `ZeroPadding1D`, `ZeroPadding2D`,
//! `ZeroPadding3D`.

use cornu_ir::Expr;

use super::Margins;
use crate::error::Result;
use crate::layers::{
    Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, numbered, of_rank, only,
};

/// `(batch, …space, channels)` with zeros before and after along each of the `N` axes of space.
#[derive(Clone, Debug)]
pub struct ZeroPadding<const N: usize> {
    padding: Margins<N>,
    format: DataFormat,
}

/// For sequences. Keras: `ZeroPadding1D`.
pub type ZeroPadding1D = ZeroPadding<1>;
/// For images. Keras: `ZeroPadding2D`.
pub type ZeroPadding2D = ZeroPadding<2>;
/// For volumes. Keras: `ZeroPadding3D`.
pub type ZeroPadding3D = ZeroPadding<3>;

impl<const N: usize> Default for ZeroPadding<N> {
    fn default() -> ZeroPadding<N> {
        ZeroPadding::new(1)
    }
}

impl<const N: usize> ZeroPadding<N> {
    const CLASS: [&'static str; 3] = ["ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"];

    /// How many zeros: `2` on all sides, `[2, 1]` for each of two axes, `[[0, 1], [2, 3]]` for each side of each.
    pub fn new(padding: impl Into<Margins<N>>) -> ZeroPadding<N> {
        ZeroPadding { padding: padding.into(), format: DataFormat::default() }
    }

    /// For data whose channels are axis 1.
    pub fn channels_first(mut self) -> ZeroPadding<N> {
        self.format = DataFormat::ChannelsFirst;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<ZeroPadding<N>> {
        let padding = Margins::from_config(config, "padding", 1)?;
        Ok(ZeroPadding { padding, format: DataFormat::from_config(config)? })
    }
}

impl<const N: usize> Layer for ZeroPadding<N> {
    fn class_name(&self) -> &str {
        numbered::<N>(Self::CLASS)
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::from_iter([("padding".into(), self.padding.config())]);
        self.format.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        of_rank(self.class_name(), N + 2, &only(inputs)?)
    }

    fn call<'b>(&self, _: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let [before, after] = self.padding.on(self.format.spatial_axes(x.rank()), x.rank());
        Ok(vec![x.pad(x.number(0.0), &before, &after, &vec![0; x.rank()])])
    }
}
