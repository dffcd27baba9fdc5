//! Pooling by windows that move. Keras: `MaxPooling1D`, `AveragePooling1D` and so on.

use std::marker::PhantomData;

use cornu_ir::ops::{WindowKind, Windows};
use cornu_ir::{Expr, Type};
use serde_json::json;

use super::kind::{OfMax, OfMean, PoolKind, class_name};
use crate::error::Result;
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::layers::{
    DataFormat,
    spatial::{Moving, Padding, Sizes, check_rank},
};

/// The largest of some steps, `(batch, steps, channels)`.
pub type MaxPooling1D = Pooling<OfMax, 1>;
/// The largest of some pixels, `(batch, rows, columns, channels)`.
pub type MaxPooling2D = Pooling<OfMax, 2>;
/// The largest of some cells, `(batch, planes, rows, columns, channels)`.
pub type MaxPooling3D = Pooling<OfMax, 3>;
/// The mean of some steps, `(batch, steps, channels)`.
pub type AveragePooling1D = Pooling<OfMean, 1>;
/// The mean of some pixels, `(batch, rows, columns, channels)`.
pub type AveragePooling2D = Pooling<OfMean, 2>;
/// The mean of some cells, `(batch, planes, rows, columns, channels)`.
pub type AveragePooling3D = Pooling<OfMean, 3>;

/// The largest element or the mean of each window, channel by channel: `(batch, sizes…, channels)` becomes
/// `(batch, places…, channels)`. Padding is never the largest, and does not count in a mean.
#[derive(Clone, Debug)]
pub struct Pooling<K, const RANK: usize> {
    pool_size: Sizes<RANK>,
    strides: Option<Sizes<RANK>>,
    padding: Padding,
    data_format: DataFormat,
    kind: PhantomData<K>,
}

impl<K: PoolKind, const RANK: usize> Pooling<K, RANK> {
    /// Windows of this size, one beside the other.
    pub fn new(pool_size: impl Into<Sizes<RANK>>) -> Pooling<K, RANK> {
        Pooling {
            pool_size: pool_size.into(),
            strides: None,
            padding: Padding::Valid,
            data_format: DataFormat::ChannelsLast,
            kind: PhantomData,
        }
    }

    /// How far the window moves from place to place; by default its own size.
    pub fn strides(mut self, strides: impl Into<Sizes<RANK>>) -> Pooling<K, RANK> {
        self.strides = Some(strides.into());
        self
    }

    /// What lies around the input.
    pub fn padding(mut self, padding: Padding) -> Pooling<K, RANK> {
        self.padding = padding;
        self
    }

    /// Where the channels are.
    pub fn data_format(mut self, data_format: DataFormat) -> Pooling<K, RANK> {
        self.data_format = data_format;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<Pooling<K, RANK>> {
        let default = K::IS_MAX.then_some(2.into());
        let pool_size = Sizes::from_config(config, "pool_size")?.or(default);
        let pool_size = pool_size.ok_or_else(|| config.wrong("pool_size", "a size for each axis"))?;
        Ok(Pooling {
            pool_size,
            strides: Sizes::from_config(config, "strides")?,
            padding: Padding::from_config(config, false)?,
            data_format: DataFormat::from_config(config)?,
            kind: PhantomData,
        })
    }

    fn steps(&self) -> Sizes<RANK> {
        self.strides.unwrap_or(self.pool_size)
    }

    /// The mean of each window: its sum, divided by how many elements it has.
    fn mean<'b>(&self, x: Expr<'b>, windows: Windows) -> Expr<'b> {
        let sum = x.window(WindowKind::Sum, windows.clone());
        if self.padding == Padding::Valid {
            return sum / windows.sizes.elements() as f64;
        }
        let mut cells = x.shape().with(0, 1);
        cells = cells.with(cells.rank() - 1, 1);
        let ones = x.builder().full(&Type::new(x.dtype(), cells), 1.0);
        sum / ones.window(WindowKind::Sum, windows)
    }
}

impl<K: PoolKind, const RANK: usize> Layer for Pooling<K, RANK> {
    fn class_name(&self) -> &str {
        class_name::<RANK>(K::NAMES)
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("pool_size".into(), self.pool_size.json());
        config.insert("padding".into(), json!(self.padding.name()));
        config.insert("strides".into(), self.steps().json());
        self.data_format.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let class = self.class_name();
        self.padding.check(class, false)?;
        self.pool_size.check_positive(class, "pool_size")?;
        self.steps().check_positive(class, "strides")?;
        check_rank(class, weights.scope(), &only(inputs)?, RANK)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let x = self.data_format.channels_last(only(inputs)?);
        let moving = Moving {
            window: &self.pool_size.0,
            strides: &self.steps().0,
            dilation: &[1; RANK],
            padding: self.padding,
        };
        let sliding = moving.over(self.class_name(), context.path(), x)?;
        let windows = Windows { sizes: self.pool_size.0.into(), sliding };
        let pooled = if K::IS_MAX { x.window(WindowKind::Max, windows) } else { self.mean(x, windows) };
        Ok(vec![self.data_format.restored(pooled)])
    }
}
