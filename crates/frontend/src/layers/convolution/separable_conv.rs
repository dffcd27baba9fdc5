//! SeparableConv: each channel by itself, then all channels of each place. Keras: `SeparableConv1D`, `SeparableConv2D`.

use cornu_ir::{Expr, ops};
use serde_json::json;

use super::class_name;
use super::depthwise_conv::depthwise;
use super::movement::{Movement, check_positive, movement_options};
use super::options::{OutputOptions, output_options};
use crate::activations::Activation;
use crate::error::Result;
use crate::identifier::Identifier;
use crate::layers::weight_options::{WeightOptions, weight_options};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::layers::{
    DataFormat,
    spatial::{Padding, Sizes},
};
use crate::regularizers::Regularizer;

/// Along sequences, `(batch, steps, channels)`.
pub type SeparableConv1D = SeparableConv<1>;
/// Over images, `(batch, rows, columns, channels)`.
pub type SeparableConv2D = SeparableConv<2>;

/// A depthwise convolution, then a convolution of one tap: `(batch, sizes…, channels)` becomes
/// `(batch, places…, filters)`. Only the first moves by `strides`.
///
/// Weights: `depthwise_kernel` `[kernel_size…, channels, depth_multiplier]`, then `pointwise_kernel`
/// `[1…, channels·depth_multiplier, filters]`, then `bias` `[filters]`. Keras: `SeparableConv1D`, `SeparableConv2D`.
#[derive(Clone, Debug)]
pub struct SeparableConv<const RANK: usize> {
    depth_multiplier: usize,
    filters: usize,
    movement: Movement<RANK>,
    depthwise: WeightOptions,
    pointwise: WeightOptions,
    output: OutputOptions,
}

impl<const RANK: usize> SeparableConv<RANK> {
    /// So many filters, with a depthwise kernel of this size.
    pub fn new(filters: usize, kernel_size: impl Into<Sizes<RANK>>) -> SeparableConv<RANK> {
        SeparableConv {
            depth_multiplier: 1,
            filters,
            movement: Movement::new(kernel_size.into()),
            depthwise: WeightOptions::new("glorot_uniform"),
            pointwise: WeightOptions::new("glorot_uniform"),
            output: OutputOptions::new(),
        }
    }

    /// So many depthwise filters for each channel.
    pub fn depth_multiplier(mut self, depth_multiplier: usize) -> SeparableConv<RANK> {
        self.depth_multiplier = depth_multiplier;
        self
    }

    movement_options!();
    output_options!();
    weight_options!("the depthwise kernel" depthwise: depthwise_initializer depthwise_regularizer depthwise_constraint);
    weight_options!("the pointwise kernel" pointwise: pointwise_initializer pointwise_regularizer pointwise_constraint);

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<SeparableConv<RANK>> {
        let given = config.value("depth_multiplier").is_some();
        Ok(SeparableConv {
            depth_multiplier: if given { config.positive("depth_multiplier")? } else { 1 },
            filters: config.positive("filters")?,
            movement: Movement::from_config(config, RANK == 1)?,
            depthwise: WeightOptions::from_config(config, "depthwise", "glorot_uniform")?,
            pointwise: WeightOptions::from_config(config, "pointwise", "glorot_uniform")?,
            output: OutputOptions::from_config(config)?,
        })
    }
}

impl<const RANK: usize> Layer for SeparableConv<RANK> {
    fn class_name(&self) -> &str {
        class_name(["SeparableConv1D", "SeparableConv2D", "SeparableConv3D"], RANK)
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.output.begin()?;
        config.insert("depth_multiplier".into(), json!(self.depth_multiplier));
        config.insert("filters".into(), json!(self.filters));
        self.movement.write(&mut config, None);
        let kernels = [("depthwise", &self.depthwise), ("pointwise", &self.pointwise)];
        self.output.write(&mut config, &kernels)?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let class = self.class_name();
        check_positive(class, "depth_multiplier", self.depth_multiplier)?;
        check_positive(class, "filters", self.filters)?;
        let channels = self.movement.channels(class, &only(inputs)?, weights, RANK == 1)?;
        let shape = self.movement.kernel_shape([channels, self.depth_multiplier]);
        self.depthwise.add(weights, "depthwise_kernel", shape)?;
        let last = [channels.saturating_mul(self.depth_multiplier), self.filters];
        let shape: Vec<usize> = [1; RANK].into_iter().chain(last).collect();
        self.pointwise.add(weights, "pointwise_kernel", shape)?;
        self.output.build(weights, self.filters)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let (kernel, format) = (context.weight("depthwise_kernel")?, self.movement.data_format);
        let x = format.channels_last(only(inputs)?.cast(kernel.dtype()));
        let by_channel = depthwise(&self.movement, self.class_name(), context, x, kernel)?;
        let conv = ops::Conv { sliding: ops::Sliding::dense(RANK), groups: 1 };
        let sums = by_channel.conv(context.weight("pointwise_kernel")?, conv);
        self.output.apply(context, sums, |sums| format.restored(sums))
    }
}
