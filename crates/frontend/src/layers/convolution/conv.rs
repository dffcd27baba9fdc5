//! Conv: filters that move over the input. Keras: `Conv1D`, `Conv2D`, `Conv3D`.

use cornu_ir::{Expr, ops};
use serde_json::json;

use super::class_name;
use super::movement::{Movement, check_positive, movement_options};
use super::options::{OutputOptions, output_options};
use crate::activations::Activation;
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::layers::lora::lora_options;
use crate::layers::weight_options::{WeightOptions, weight_options};
use crate::layers::{Config, Context, Layer, LayerConfig, LoraKernel, Spec, Weights, only};
use crate::layers::{
    DataFormat,
    spatial::{Padding, Sizes},
};
use crate::regularizers::Regularizer;

/// Along sequences, `(batch, steps, channels)`.
pub type Conv1D = Conv<1>;
/// Over images, `(batch, rows, columns, channels)`.
pub type Conv2D = Conv<2>;
/// Through volumes, `(batch, planes, rows, columns, channels)`.
pub type Conv3D = Conv<3>;

/// `activation(x ∗ kernel + bias)`: `(batch, sizes…, channels)` becomes `(batch, places…, filters)`.
///
/// At each place every filter is a weighted sum of what its window sees, in all channels of its group. Weights:
/// `kernel` `[kernel_size…, channels/groups, filters]`, then `bias` `[filters]`. By default the activation is linear,
/// the kernel begins glorot-uniform and the bias at zero. Keras: `Conv1D`, `Conv2D`, `Conv3D`.
#[derive(Clone, Debug)]
pub struct Conv<const RANK: usize> {
    filters: usize,
    movement: Movement<RANK>,
    groups: usize,
    kernel: WeightOptions,
    output: OutputOptions,
    lora: LoraKernel,
}

impl<const RANK: usize> Conv<RANK> {
    /// So many filters with a kernel of this size.
    pub fn new(filters: usize, kernel_size: impl Into<Sizes<RANK>>) -> Conv<RANK> {
        Conv {
            filters,
            movement: Movement::new(kernel_size.into()),
            groups: 1,
            kernel: WeightOptions::new("glorot_uniform"),
            output: OutputOptions::new(),
            lora: LoraKernel::new("kernel"),
        }
    }

    /// Divides channels and filters into so many groups; the filters of a group see its channels alone.
    pub fn groups(mut self, groups: usize) -> Conv<RANK> {
        self.groups = groups;
        self
    }

    lora_options!(lora_rank lora_alpha);

    movement_options!();
    output_options!();
    weight_options!("the kernel" kernel: kernel_initializer kernel_regularizer kernel_constraint);

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<Conv<RANK>> {
        Ok(Conv {
            filters: config.positive("filters")?,
            movement: Movement::from_config(config, RANK == 1)?,
            groups: if config.value("groups").is_some() { config.positive("groups")? } else { 1 },
            kernel: WeightOptions::from_config(config, "kernel", "glorot_uniform")?,
            output: OutputOptions::from_config(config)?,
            lora: LoraKernel::from_config(config, "kernel")?,
        })
    }
}

impl<const RANK: usize> Layer for Conv<RANK> {
    fn class_name(&self) -> &str {
        class_name(["Conv1D", "Conv2D", "Conv3D"], RANK)
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.output.begin()?;
        config.insert("filters".into(), json!(self.filters));
        self.movement.write(&mut config, None);
        config.insert("groups".into(), json!(self.groups));
        self.output.write(&mut config, &[("kernel", &self.kernel)])?;
        self.lora.write(&mut config);
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let (class, input) = (self.class_name(), only(inputs)?);
        check_positive(class, "filters", self.filters)?;
        check_positive(class, "groups", self.groups)?;
        self.movement.check_strides_or_dilation(class)?;
        let channels = self.movement.channels(class, &input, weights, RANK == 1)?;
        for (what, number) in [("filters", self.filters), ("channels of the input", channels)] {
            if !number.is_multiple_of(self.groups) {
                let needed = format!("a divisor of the {number} {what}");
                return Err(Error::config(class, "groups", self.groups, needed));
            }
        }
        let shape = self.movement.kernel_shape([channels / self.groups, self.filters]);
        self.kernel.add(weights, "kernel", shape)?;
        self.output.build(weights, self.filters)?;
        self.lora.build(class, weights)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let (kernel, format) = (self.lora.value(context)?, self.movement.data_format);
        let x = format.channels_last(only(inputs)?.cast(kernel.dtype()));
        let sliding = self.movement.moving().over(self.class_name(), context.path(), x)?;
        let sums = x.conv(kernel, ops::Conv { sliding, groups: self.groups });
        self.output.apply(context, sums, |sums| format.restored(sums))
    }

    fn lora(&self) -> Option<&LoraKernel> {
        Some(&self.lora)
    }
}
