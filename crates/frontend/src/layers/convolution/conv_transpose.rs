//! ConvTranspose: convolutions that make larger what they are given. Keras: `Conv1DTranspose`, `Conv2DTranspose`,
//! `Conv3DTranspose`.

use cornu_ir::ops::Sliding;
use cornu_ir::{Expr, ops};
use serde_json::{Value, json};

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
pub type Conv1DTranspose = ConvTranspose<1>;
/// Over images, `(batch, rows, columns, channels)`.
pub type Conv2DTranspose = ConvTranspose<2>;
/// Through volumes, `(batch, planes, rows, columns, channels)`.
pub type Conv3DTranspose = ConvTranspose<3>;

/// The gradient of a convolution, used forwards: every element of `(batch, sizes…, channels)` adds a kernel, weighed
/// by itself, to the output `(batch, larger sizes…, filters)`.
///
/// With "valid" padding a size `n` becomes `(n-1)·stride + reach + output_padding`, where `reach` is
/// `(kernel_size-1)·dilation_rate + 1` and `output_padding` by default makes it at least `n·stride`; with "same"
/// padding it becomes `n·stride`, or with an `output_padding` `(n-1)·stride + reach%2 + output_padding`. Weights:
/// `kernel` `[kernel_size…, filters, channels]`, then `bias` `[filters]`. Keras: `Conv1DTranspose`,
/// `Conv2DTranspose`, `Conv3DTranspose`.
#[derive(Clone, Debug)]
pub struct ConvTranspose<const RANK: usize> {
    filters: usize,
    movement: Movement<RANK>,
    output_padding: Option<Sizes<RANK>>,
    kernel: WeightOptions,
    output: OutputOptions,
}

impl<const RANK: usize> ConvTranspose<RANK> {
    /// So many filters with a kernel of this size.
    pub fn new(filters: usize, kernel_size: impl Into<Sizes<RANK>>) -> ConvTranspose<RANK> {
        ConvTranspose {
            filters,
            movement: Movement::new(kernel_size.into()),
            output_padding: None,
            kernel: WeightOptions::new("glorot_uniform"),
            output: OutputOptions::new(),
        }
    }

    /// How much larger the output is than it must be; less than the strides.
    pub fn output_padding(mut self, output_padding: impl Into<Sizes<RANK>>) -> ConvTranspose<RANK> {
        self.output_padding = Some(output_padding.into());
        self
    }

    movement_options!();
    output_options!();
    weight_options!("the kernel" kernel: kernel_initializer kernel_regularizer kernel_constraint);

    pub(in crate::layers) fn from_config(config: &LayerConfig<'_>) -> Result<ConvTranspose<RANK>> {
        Ok(ConvTranspose {
            filters: config.positive("filters")?,
            movement: Movement::from_config(config, false)?,
            output_padding: Sizes::from_config(config, "output_padding")?,
            kernel: WeightOptions::from_config(config, "kernel", "glorot_uniform")?,
            output: OutputOptions::from_config(config)?,
        })
    }

    /// The convolution whose gradient this is along one axis of `size` elements: its padding before and after, and
    /// the size of its input; `None` where that would be nothing, or more than can be counted.
    fn along(&self, axis: usize, size: usize) -> Option<(usize, usize, usize)> {
        let stride = self.movement.strides.0[axis];
        let taps = self.movement.kernel_size.0[axis];
        let reach = (taps - 1).checked_mul(self.movement.dilation_rate.0[axis])?.checked_add(1)?;
        let given = self.output_padding.map(|sizes| sizes.0[axis]);
        // Padding around the elements spread apart, over which the turned kernel moves.
        let (left, right) = match self.movement.padding {
            Padding::Valid => {
                let more = given.unwrap_or_else(|| reach.max(stride) - reach);
                (reach - 1, (reach - 1).checked_add(more)?)
            }
            Padding::Same | Padding::Causal => {
                let total = match given {
                    Some(more) => (reach + reach % 2 - 2).checked_add(more)?,
                    None => stride.checked_add(reach)? - 2,
                };
                let left = total.div_ceil(2).min(reach - 1);
                (left, total - left)
            }
        };
        let spread = size.checked_sub(1)?.checked_mul(stride)?;
        let larger = spread.checked_add(left)?.checked_add(right)?.checked_add(2)?.checked_sub(reach)?;
        let (low, high) = (reach - 1 - left, (reach - 1).saturating_sub(right));
        (larger > 0).then_some((low, high, larger))
    }
}

impl<const RANK: usize> Layer for ConvTranspose<RANK> {
    fn class_name(&self) -> &str {
        class_name(["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"], RANK)
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.output.begin()?;
        config.insert("filters".into(), json!(self.filters));
        let output_padding = self.output_padding.map_or(Value::Null, |sizes| sizes.json());
        self.movement.write(&mut config, Some(("output_padding", output_padding)));
        self.output.write(&mut config, &[("kernel", &self.kernel)])?;
        Ok(config)
    }

    fn build(&self, inputs: &[Spec], weights: &mut Weights) -> Result<()> {
        let class = self.class_name();
        check_positive(class, "filters", self.filters)?;
        self.movement.check_strides_or_dilation(class)?;
        let channels = self.movement.channels(class, &only(inputs)?, weights, false)?;
        let strides = &self.movement.strides.0;
        if let Some(padding) = self.output_padding
            && padding.0.iter().zip(strides).any(|(padding, stride)| padding >= stride)
        {
            let needed = format!("less than `strides`, {strides:?}");
            return Err(Error::config(class, "output_padding", padding.json(), needed));
        }
        self.kernel.add(weights, "kernel", self.movement.kernel_shape([self.filters, channels]))?;
        self.output.build(weights, self.filters)
    }

    fn call<'b>(&self, context: &mut Context<'_, 'b>, inputs: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let (kernel, format) = (context.weight("kernel")?, self.movement.data_format);
        let x = format.channels_last(only(inputs)?.cast(kernel.dtype()));
        let shape = x.shape();
        let sizes = &shape[1..1 + RANK];
        let axes: Option<Vec<(usize, usize, usize)>> =
            sizes.iter().enumerate().map(|(axis, &size)| self.along(axis, size)).collect();
        let axes = axes.ok_or_else(|| {
            let reason =
                format!("the output of {} on an input of {sizes:?} has no elements", self.class_name());
            Error::Layer { path: context.path(), reason }
        })?;
        let sliding = Sliding {
            strides: self.movement.strides.0.into(),
            low: axes.iter().map(|&(low, _, _)| low).collect(),
            high: axes.iter().map(|&(_, high, _)| high).collect(),
            dilation: self.movement.dilation_rate.0.into(),
        };
        let larger: Vec<usize> = axes.iter().map(|&(_, _, larger)| larger).collect();
        let sums = x.conv_input_grad(kernel, ops::Conv { sliding, groups: 1 }, &larger);
        self.output.apply(context, sums, |sums| format.restored(sums))
    }
}
