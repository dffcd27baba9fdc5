//! Pooling into as many windows as asked for. Keras: `AdaptiveAveragePooling1D`, `AdaptiveMaxPooling1D` and so on.

use std::marker::PhantomData;
use std::ops::Range;

use cornu_ir::ops::{Dot, Reduction};
use cornu_ir::{Expr, Tensor, Type};

use super::kind::{OfMax, OfMean, PoolKind, class_name};
use crate::error::{Error, Result};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::layers::{
    DataFormat,
    spatial::{Sizes, check_rank},
};

/// Means of steps, `(batch, steps, channels)`.
pub type AdaptiveAveragePooling1D = AdaptivePooling<OfMean, 1>;
/// Means of pixels, `(batch, rows, columns, channels)`.
pub type AdaptiveAveragePooling2D = AdaptivePooling<OfMean, 2>;
/// Means of cells, `(batch, planes, rows, columns, channels)`.
pub type AdaptiveAveragePooling3D = AdaptivePooling<OfMean, 3>;
/// The largest of steps, `(batch, steps, channels)`.
pub type AdaptiveMaxPooling1D = AdaptivePooling<OfMax, 1>;
/// The largest of pixels, `(batch, rows, columns, channels)`.
pub type AdaptiveMaxPooling2D = AdaptivePooling<OfMax, 2>;
/// The largest of cells, `(batch, planes, rows, columns, channels)`.
pub type AdaptiveMaxPooling3D = AdaptivePooling<OfMax, 3>;

/// The largest element or the mean of each of `output_size` windows, channel by channel: `(batch, sizes…, channels)`
/// becomes `(batch, output_size…, channels)`. Window `i` of an axis goes from `⌊i·size/output⌋` to
/// `⌈(i+1)·size/output⌉`, so that all are about equally wide and none is empty.
#[derive(Clone, Debug)]
pub struct AdaptivePooling<K, const RANK: usize> {
    output_size: Sizes<RANK>,
    data_format: DataFormat,
    kind: PhantomData<K>,
}

impl<K: PoolKind, const RANK: usize> AdaptivePooling<K, RANK> {
    /// So many windows along each axis.
    pub fn new(output_size: impl Into<Sizes<RANK>>) -> AdaptivePooling<K, RANK> {
        AdaptivePooling {
            output_size: output_size.into(),
            data_format: DataFormat::ChannelsLast,
            kind: PhantomData,
        }
    }

    /// Where the channels are.
    pub fn data_format(mut self, data_format: DataFormat) -> AdaptivePooling<K, RANK> {
        self.data_format = data_format;
        self
    }

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<AdaptivePooling<K, RANK>> {
        let output_size = Sizes::from_config(config, "output_size")?;
        Ok(AdaptivePooling {
            output_size: output_size.ok_or_else(|| config.wrong("output_size", "a size for each axis"))?,
            data_format: DataFormat::from_config(config)?,
            kind: PhantomData,
        })
    }
}

impl<K: PoolKind, const RANK: usize> Layer for AdaptivePooling<K, RANK> {
    fn class_name(&self) -> &str {
        class_name::<RANK>(K::ADAPTIVE)
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("output_size".into(), self.output_size.json());
        self.data_format.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        self.output_size.check_positive(self.class_name(), "output_size")?;
        check_rank(self.class_name(), weights.scope(), &only(inputs)?, RANK)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let mut x = self.data_format.channels_last(only(inputs)?);
        // Windows are boxes, so one axis after the other gives the same.
        for (axis, &windows) in (1..).zip(&self.output_size.0) {
            let size = x.shape()[axis];
            if size == 0 || windows > MOST_WINDOWS {
                let reason = format!(
                    "{} needs 1 to {MOST_WINDOWS} windows over an axis that is not empty; \
                     it got {windows} over {size} elements",
                    self.class_name()
                );
                return Err(Error::Layer { path: context.path(), reason });
            }
            x = if K::IS_MAX { largest(x, axis, windows) } else { means(x, axis, windows) };
        }
        Ok(vec![self.data_format.restored(x)])
    }
}

/// More windows than this along one axis are a mistake.
const MOST_WINDOWS: usize = 1 << 16;

/// The elements of window `index` of so many over `size` elements.
fn window(index: usize, windows: usize, size: usize) -> Range<usize> {
    index * size / windows..((index + 1) * size).div_ceil(windows)
}

/// The largest element of each window of an axis.
fn largest(x: Expr<'_>, axis: usize, windows: usize) -> Expr<'_> {
    let size = x.shape()[axis];
    let of = |index: usize| {
        let Range { start, end } = window(index, windows, size);
        x.slice_axis(axis, start, end).reduce(Reduction::Max, &[axis]).expand(axis)
    };
    Expr::concat(&(0..windows).map(of).collect::<Vec<_>>(), axis)
}

/// The mean of each window of an axis: a product with a matrix of weights, which are equal within a window.
fn means(x: Expr<'_>, axis: usize, windows: usize) -> Expr<'_> {
    let size = x.shape()[axis];
    let weight = |i: usize| {
        let range = window(i % windows, windows, size);
        if range.contains(&(i / windows)) { 1.0 / range.len() as f64 } else { 0.0 }
    };
    let ty = Type::new(x.dtype(), [size, windows]);
    let weights = x.constant(Tensor::from_floats(&ty, (0..size * windows).map(weight)));
    let last = x.rank() - 1;
    // The windows come out as the last axis.
    let product = x.dot(weights, Dot::contracting([axis], [0]));
    let order: Vec<usize> = (0..axis).chain([last]).chain(axis..last).collect();
    product.transpose(&order)
}
