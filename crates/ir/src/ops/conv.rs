//! `conv`: convolution, channels last, along any number of axes.
//!
//! Convolution and its two gradients are one sum of products of three tensors, the input `x`, the kernel `k` and the
//! result `y`, of which each op is given two: at every place `o` and tap `t` that meets element `s`,
//! `x[n,s,g·C+c] · k[t,c,g·F+f] · y[n,o,g·F+f]`. So each op is the derivative of the two others.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Pad, Sliding};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// The cross-correlation of an input `[n, sizes…, channels]` with a kernel `[taps…, channels/groups, filters]`:
/// `[n, places…, filters]`. Padding is zeros.
///
/// Channels and filters are divided into as many groups; the filters of a group see its channels alone. Sums are taken
/// in the element type (bf16 and f16: in f32). An input spread apart ("dilated") is a [`super::Pad`] before this.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// How the kernel moves.
    pub sliding: Sliding,
    /// Number of groups.
    pub groups: usize,
}

/// The sizes of a convolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvSizes {
    /// Number of examples.
    pub batch: usize,
    /// Sizes of the input between the first and the last axis.
    pub input: Shape,
    /// Sizes of the kernel along the same axes.
    pub taps: Shape,
    /// Sizes of the result along the same axes.
    pub places: Shape,
    /// Number of groups.
    pub groups: usize,
    /// Channels of a group.
    pub channels: usize,
    /// Filters of a group.
    pub filters: usize,
}

impl Conv {
    /// The sizes of a convolution of these shapes; `None` if they do not fit each other.
    pub fn sizes(&self, input: &[usize], kernel: &[usize]) -> Option<ConvSizes> {
        let [batch, input @ .., all_channels] = input else { return None };
        let [taps @ .., channels, all_filters] = kernel else { return None };
        let places = self.sliding.places(input, taps)?;
        let filters = all_filters.checked_div(self.groups)?;
        let fits =
            channels.checked_mul(self.groups) == Some(*all_channels) && filters * self.groups == *all_filters;
        fits.then(|| ConvSizes {
            batch: *batch,
            input: input.into(),
            taps: taps.into(),
            places,
            groups: self.groups,
            channels: *channels,
            filters,
        })
    }

    /// The sizes, if the types are of one float type and fit.
    pub(super) fn fitting(&self, input: &Type, kernel: &Type) -> Option<ConvSizes> {
        let one_float = input.dtype == kernel.dtype && input.dtype.is_float();
        if one_float { self.sizes(&input.shape, &kernel.shape) } else { None }
    }

    pub(super) fn write(&self) -> Attributes {
        self.sliding.write(Attributes::default()).size("groups", self.groups)
    }

    pub(super) fn read(attributes: &Attributes) -> Result<Conv, String> {
        Ok(Conv { sliding: Sliding::read(attributes)?, groups: attributes.get_size("groups")? })
    }
}

impl ConvSizes {
    /// The shape of the result.
    pub fn result(&self) -> Shape {
        [self.batch]
            .into_iter()
            .chain(self.places.iter().copied())
            .chain([self.groups * self.filters])
            .collect()
    }

    /// Floating-point operations of each of the three ops.
    pub fn flops(&self) -> u64 {
        let sums = self.result().elements() as u64;
        sums.saturating_mul(2)
            .saturating_mul(self.taps.elements() as u64)
            .saturating_mul(self.channels as u64)
    }

    /// Visits the elements of input, kernel and result that are multiplied, by their numbers in row-major order.
    pub(super) fn products(&self, sliding: &Sliding, mut visit: impl FnMut(usize, usize, usize)) {
        let (channels, filters) = (self.groups * self.channels, self.groups * self.filters);
        let (inputs, places) = (self.input.elements(), self.places.elements());
        for n in 0..self.batch {
            sliding.meetings(&self.input, &self.taps, |element, tap, place| {
                for (c, filter) in (0..self.channels).flat_map(|c| (0..filters).map(move |f| (c, f))) {
                    let channel = filter / self.filters * self.channels + c;
                    visit(
                        (n * inputs + element) * channels + channel,
                        (tap * self.channels + c) * filters + filter,
                        (n * places + place) * filters + filter,
                    );
                }
            });
        }
    }
}

impl Rules for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let sizes = match args {
            [input, kernel] => self.fitting(input, kernel).map(|sizes| input.with_shape(sizes.result())),
            _ => None,
        };
        sizes.ok_or_else(|| {
            let axes = self.sliding.axes();
            let need = format!(
                "floats [n, {axes} sizes, channels] and a kernel [{axes} sizes, channels/{groups}, filters], \
                 filters a multiple of {groups}",
                groups = self.groups
            );
            OpError::new("conv", need, args)
        })
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (input, kernel) = (at.args[0], at.args[1]);
        let axes = self.sliding.axes();
        Grads::of([
            cotangent.conv_input_grad(kernel, self.clone(), &input.shape()[1..1 + axes]),
            input.conv_kernel_grad(cotangent, self.clone(), &kernel.shape()[..axes]),
        ])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let sizes = self.sizes(args[0].shape(), args[1].shape()).expect("arguments that `infer` accepted");
        let (input, kernel, mut out) = (args[0].floats(), args[1].floats(), vec![0.0; ty.elements()]);
        sizes.products(&self.sliding, |x, k, y| out[y] += input[x] * kernel[k]);
        Tensor::from_floats(ty, out)
    }

    fn attributes(&self) -> Attributes {
        self.write()
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Conv, String>> {
        (name == "conv").then(|| Conv::read(attributes))
    }

    fn exactness(&self) -> Exactness {
        Exactness::Rounding
    }

    fn flops(&self, args: &[&Type], _: &Type) -> u64 {
        self.fitting(args[0], args[1]).map_or(0, |sizes| sizes.flops())
    }

    /// Zeros around the input are padding.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let (input, sliding) = Pad::slid_over(at.args[0], 0.0, &self.sliding)?;
        Some(input.conv(at.args[1], Conv { sliding, groups: self.groups }))
    }
}

impl<'b> Expr<'b> {
    /// The convolution of this `[n, sizes…, channels]` with a kernel `[taps…, channels/groups, filters]`: see [`Conv`].
    pub fn conv(self, kernel: Expr<'b>, conv: Conv) -> Expr<'b> {
        self.builder().apply(conv, &[self, kernel])
    }
}
