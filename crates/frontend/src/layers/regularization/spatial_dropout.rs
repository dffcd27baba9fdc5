//! SpatialDropout: whole channels dropped in training. Keras: `SpatialDropout1D`, `SpatialDropout2D`,
//! `SpatialDropout3D`.

use cornu_ir::Expr;
use serde_json::json;

use super::{check_share, share};
use crate::error::Result;
use crate::layers::dropout::dropped;
use crate::layers::{
    Config, Context, DataFormat, Layer, LayerConfig, Spec, Weights, numbered, of_rank, only,
};

/// [`Dropout`](crate::Dropout) with one decision for each channel of each sample: the elements of a channel of `(batch,
/// …space, channels)` are alike, so dropping single ones would change little. (Tompson et al. 2014,
/// <https://arxiv.org/abs/1411.4280>.)
#[derive(Clone, Debug)]
pub struct SpatialDropout<const N: usize> {
    rate: f64,
    seed: Option<i64>,
    format: DataFormat,
}

/// For sequences. Keras: `SpatialDropout1D`.
pub type SpatialDropout1D = SpatialDropout<1>;
/// For images. Keras: `SpatialDropout2D`.
pub type SpatialDropout2D = SpatialDropout<2>;
/// For volumes. Keras: `SpatialDropout3D`.
pub type SpatialDropout3D = SpatialDropout<3>;

impl<const N: usize> SpatialDropout<N> {
    const CLASS: [&'static str; 3] = ["SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"];

    /// Drops a share of `rate`, from 0 to 1, of the channels.
    pub fn new(rate: f64) -> SpatialDropout<N> {
        SpatialDropout { rate, seed: None, format: DataFormat::default() }
    }

    /// With random numbers of its own.
    pub fn seed(mut self, seed: i64) -> SpatialDropout<N> {
        self.seed = Some(seed);
        self
    }

    /// For images and volumes whose channels are axis 1.
    pub fn channels_first(mut self) -> SpatialDropout<N> {
        self.format = DataFormat::ChannelsFirst;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<SpatialDropout<N>> {
        let format = if N == 1 { DataFormat::default() } else { DataFormat::from_config(config)? };
        Ok(SpatialDropout { rate: share(config, "rate")?, seed: config.seed("seed")?, format })
    }
}

impl<const N: usize> Layer for SpatialDropout<N> {
    fn class_name(&self) -> &str {
        numbered::<N>(Self::CLASS)
    }

    fn config(&self) -> Result<Config> {
        let mut config =
            Config::from_iter([("rate".into(), json!(self.rate)), ("seed".into(), json!(self.seed))]);
        if N > 1 {
            self.format.write(&mut config);
        }
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], _: &mut Weights) -> Result<()> {
        check_share(self.class_name(), "rate", self.rate)?;
        if N == 1 {
            self.format.check_last(self.class_name())?;
        }
        of_rank(self.class_name(), N + 2, &only(inputs)?)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let mut decisions = x.shape();
        for axis in self.format.spatial_axes(x.rank()) {
            decisions = decisions.with(axis, 1);
        }
        Ok(vec![dropped(context, x, self.rate, &decisions, self.seed)?])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
