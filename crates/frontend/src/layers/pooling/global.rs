//! Pooling over everything. Keras: `GlobalAveragePooling1D`, `GlobalMaxPooling1D` and so on.

use std::marker::PhantomData;

use cornu_ir::ops::Reduction;
use cornu_ir::{DType, Expr, derived};
use serde_json::json;

use super::kind::{OfMax, OfMean, PoolKind, class_name};
use crate::error::Result;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::layers::{DataFormat, spatial::check_rank};
use crate::shapes::keep_axes;

/// The mean of all steps, `(batch, steps, channels)`; where there is a mask, of those that count.
pub type GlobalAveragePooling1D = GlobalPooling<OfMean, 1>;
/// The mean of all pixels, `(batch, rows, columns, channels)`.
pub type GlobalAveragePooling2D = GlobalPooling<OfMean, 2>;
/// The mean of all cells, `(batch, planes, rows, columns, channels)`.
pub type GlobalAveragePooling3D = GlobalPooling<OfMean, 3>;
/// The largest of all steps, `(batch, steps, channels)`.
pub type GlobalMaxPooling1D = GlobalPooling<OfMax, 1>;
/// The largest of all pixels, `(batch, rows, columns, channels)`.
pub type GlobalMaxPooling2D = GlobalPooling<OfMax, 2>;
/// The largest of all cells, `(batch, planes, rows, columns, channels)`.
pub type GlobalMaxPooling3D = GlobalPooling<OfMax, 3>;

/// The largest element or the mean of each channel: `(batch, sizes…, channels)` becomes `(batch, channels)`.
#[derive(Clone, Debug)]
pub struct GlobalPooling<K, const RANK: usize> {
    data_format: DataFormat,
    keepdims: bool,
    kind: PhantomData<K>,
}

impl<K: PoolKind, const RANK: usize> Default for GlobalPooling<K, RANK> {
    fn default() -> GlobalPooling<K, RANK> {
        GlobalPooling { data_format: DataFormat::ChannelsLast, keepdims: false, kind: PhantomData }
    }
}

impl<K: PoolKind, const RANK: usize> GlobalPooling<K, RANK> {
    /// Over all but batch and channels.
    pub fn new() -> GlobalPooling<K, RANK> {
        GlobalPooling::default()
    }

    /// Where the channels are.
    pub fn data_format(mut self, data_format: DataFormat) -> GlobalPooling<K, RANK> {
        self.data_format = data_format;
        self
    }

    /// Whether the axes stay, with size 1.
    pub fn keepdims(mut self, keepdims: bool) -> GlobalPooling<K, RANK> {
        self.keepdims = keepdims;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<GlobalPooling<K, RANK>> {
        Ok(GlobalPooling {
            data_format: DataFormat::from_config(config)?,
            keepdims: config.boolean_or("keepdims", false)?,
            kind: PhantomData,
        })
    }

    /// True if the mean heeds which steps count.
    fn heeds_mask(&self) -> bool {
        RANK == 1 && !K::IS_MAX
    }
}

impl<K: PoolKind, const RANK: usize> Layer for GlobalPooling<K, RANK> {
    fn class_name(&self) -> &str {
        class_name::<RANK>(K::GLOBAL)
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.data_format.write(&mut config);
        config.insert("keepdims".into(), json!(self.keepdims));
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        check_rank(self.class_name(), weights.scope(), &only(inputs)?, RANK)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = only(inputs)?;
        let first = match self.data_format {
            DataFormat::ChannelsLast => 1,
            DataFormat::ChannelsFirst => 2,
        };
        let axes: Vec<usize> = (first..first + RANK).collect();
        let mask = context.mask(0).filter(|_| self.heeds_mask());
        context.set_output_mask(0, None);
        let pooled = if K::IS_MAX { x.reduce(Reduction::Max, &axes) } else { mean(x, &axes, mask) };
        Ok(vec![if self.keepdims { keep_axes(pooled, &axes) } else { pooled }])
    }

    fn supports_masking(&self) -> bool {
        self.heeds_mask()
    }
}

/// The mean along axes; where there is a mask `(batch, steps)` over a single one, of the steps that count.
fn mean<'b>(x: Expr<'b>, axes: &[usize], mask: Option<Expr<'b>>) -> Expr<'b> {
    let x = if x.dtype().is_float() { x } else { x.cast(DType::F32) };
    let shape = x.shape();
    let Some(mask) = mask else { return derived::mean(x, axes) };
    let counts = mask.cast(DType::Bool).broadcast(shape, &[&[0], axes].concat());
    counts.select(x, x.number(0.0)).sum(axes) / counts.cast(x.dtype()).sum(axes)
}
