//! DepthwiseConv: filters that see one channel each. Keras: `DepthwiseConv1D`, `DepthwiseConv2D`.

use cornu_ir::{Expr, ops};
use serde_json::json;

use super::class_name;
use super::movement::{Movement, check_positive, movement_options};
use super::options::{OutputOptions, output_options};
use crate::activations::Activation;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::layers::weight_options::{WeightOptions, weight_options};
use crate::layers::{Config, Context, Layer, LayerConfig, Spec, Weights, only};
use crate::layers::{
    DataFormat,
    spatial::{Padding, Sizes},
};
use crate::regularizers::Regularizer;

/// Along sequences, `(batch, steps, channels)`.
pub type DepthwiseConv1D = DepthwiseConv<1>;
/// Over images, `(batch, rows, columns, channels)`.
pub type DepthwiseConv2D = DepthwiseConv<2>;

/// A convolution of each channel by itself, with `depth_multiplier` filters: `(batch, sizes…, channels)` becomes
/// `(batch, places…, channels·depth_multiplier)`, the filters of a channel side by side.
///
/// Weights: `kernel` `[kernel_size…, channels, depth_multiplier]`, then `bias` `[channels·depth_multiplier]`. Keras:
/// `DepthwiseConv1D`, `DepthwiseConv2D`.
#[derive(Clone, Debug)]
pub struct DepthwiseConv<const RANK: usize> {
    depth_multiplier: usize,
    movement: Movement<RANK>,
    depthwise: WeightOptions,
    output: OutputOptions,
}

impl<const RANK: usize> DepthwiseConv<RANK> {
    /// One filter for each channel, with a kernel of this size.
    pub fn new(kernel_size: impl Into<Sizes<RANK>>) -> DepthwiseConv<RANK> {
        DepthwiseConv {
            depth_multiplier: 1,
            movement: Movement::new(kernel_size.into()),
            depthwise: WeightOptions::new("glorot_uniform"),
            output: OutputOptions::new(),
        }
    }

    /// So many filters for each channel.
    pub fn depth_multiplier(mut self, depth_multiplier: usize) -> DepthwiseConv<RANK> {
        self.depth_multiplier = depth_multiplier;
        self
    }

    movement_options!();
    output_options!();
    weight_options!("the depthwise kernel" depthwise: depthwise_initializer depthwise_regularizer depthwise_constraint);

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<DepthwiseConv<RANK>> {
        let given = config.value("depth_multiplier").is_some();
        Ok(DepthwiseConv {
            depth_multiplier: if given { config.positive("depth_multiplier")? } else { 1 },
            movement: Movement::from_config(config, false)?,
            depthwise: WeightOptions::from_config(config, "depthwise", "glorot_uniform")?,
            output: OutputOptions::from_config(config)?,
        })
    }
}

impl<const RANK: usize> Layer for DepthwiseConv<RANK> {
    fn class_name(&self) -> &str {
        class_name(["DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConv3D"], RANK)
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.output.begin()?;
        config.insert("depth_multiplier".into(), json!(self.depth_multiplier));
        self.movement.write(&mut config, None);
        self.output.write(&mut config, &[("depthwise", &self.depthwise)])?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let class = self.class_name();
        check_positive(class, "depth_multiplier", self.depth_multiplier)?;
        let channels = self.movement.channels(class, &only(inputs)?, weights, false)?;
        let shape = self.movement.kernel_shape([channels, self.depth_multiplier]);
        self.depthwise.add(weights, "kernel", shape)?;
        self.output.build(weights, channels.saturating_mul(self.depth_multiplier))
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let (kernel, format) = (context.weight("kernel")?, self.movement.data_format);
        let x = format.channels_last(only(inputs)?.cast(kernel.dtype()));
        let sums = depthwise(&self.movement, self.class_name(), context, x, kernel)?;
        self.output.apply(context, sums, |sums| format.restored(sums))
    }
}

/// Each channel of `[batch, sizes…, channels]` by itself, with a kernel `[taps…, channels, multiplier]`.
pub(super) fn depthwise<'b, const RANK: usize>(
    movement: &Movement<RANK>,
    class: &str,
    context: &Context<'_, 'b>,
    x: Expr<'b>,
    kernel: Expr<'b>,
) -> Result<Expr<'b>> {
    let shape = kernel.shape();
    let [taps @ .., channels, multiplier] = &shape[..] else {
        let reason = format!("{class} needs a kernel of {} axes; it got {shape}", RANK + 2);
        return Err(Error::Layer { path: context.path(), reason });
    };
    // A group for each channel, whose filters are neighbours.
    let grouped: Vec<usize> = taps.iter().copied().chain([1, channels * multiplier]).collect();
    let sliding = movement.moving().over(class, context.path(), x)?;
    Ok(x.conv(kernel.reshape(grouped), ops::Conv { sliding, groups: *channels }))
}
