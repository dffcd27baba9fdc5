//! `conv_kernel_grad`: the gradient of a convolution for its kernel.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Conv, ConvSizes, Pad};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// The kernel's cotangent `[taps…, channels/groups, filters]` from the input `[n, sizes…, channels]` and the result's
/// cotangent `[n, places…, filters]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConvKernelGrad {
    /// The convolution.
    pub conv: Conv,
    /// Sizes of the kernel before its last two axes. Several sizes may lead to the same number of places.
    pub taps: Shape,
}

impl ConvKernelGrad {
    /// The shape of the kernel whose convolution with the input has this result; `None` if there is none.
    fn kernel(&self, input: &Type, result: &Type) -> Option<(Shape, ConvSizes)> {
        let (channels, &filters) = (input.shape.last()?, result.shape.last()?);
        let channels = channels.checked_div(self.conv.groups)?;
        let shape: Shape = self.taps.iter().copied().chain([channels, filters]).collect();
        let sizes = self.conv.fitting(input, &result.with_shape(shape.clone()))?;
        (sizes.result() == result.shape).then_some((shape, sizes))
    }

    /// The sizes of the convolution of these types; `None` if they do not fit each other.
    pub fn sizes(&self, input: &Type, result: &Type) -> Option<ConvSizes> {
        self.kernel(input, result).map(|(_, sizes)| sizes)
    }
}

impl Rules for ConvKernelGrad {
    fn name(&self) -> &'static str {
        "conv_kernel_grad"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let kernel = match args {
            [input, result] => self.kernel(input, result).map(|(shape, _)| input.with_shape(shape)),
            _ => None,
        };
        kernel.ok_or_else(|| {
            let need = format!("the input and the result of a convolution with a kernel of {}", self.taps);
            OpError::new("conv_kernel_grad", need, args)
        })
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (input, result) = (at.args[0], at.args[1]);
        let sizes = &input.shape()[1..1 + self.taps.len()];
        Grads::of([
            result.conv_input_grad(cotangent, self.conv.clone(), sizes),
            input.conv(cotangent, self.conv.clone()),
        ])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let sizes = self.sizes(&args[0].ty(), &args[1].ty()).expect("arguments that `infer` accepted");
        let (input, result, mut out) = (args[0].floats(), args[1].floats(), vec![0.0; ty.elements()]);
        sizes.products(&self.conv.sliding, |x, k, y| out[k] += input[x] * result[y]);
        Tensor::from_floats(ty, out)
    }

    fn attributes(&self) -> Attributes {
        self.conv.write().sizes("taps", &self.taps)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<ConvKernelGrad, String>> {
        (name == "conv_kernel_grad").then(|| {
            Ok(ConvKernelGrad { conv: Conv::read(attributes)?, taps: attributes.get_sizes("taps")? })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Rounding
    }

    fn flops(&self, args: &[&Type], _: &Type) -> u64 {
        self.sizes(args[0], args[1]).map_or(0, |sizes| sizes.flops())
    }

    /// Zeros around the input are padding.
    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let (input, sliding) = Pad::slid_over(at.args[0], 0.0, &self.conv.sliding)?;
        Some(input.conv_kernel_grad(at.args[1], Conv { sliding, groups: self.conv.groups }, &self.taps))
    }
}

impl<'b> Expr<'b> {
    /// The gradient for its kernel, of these sizes, of a convolution of this input that has that result: see
    /// [`ConvKernelGrad`].
    pub fn conv_kernel_grad(self, result: Expr<'b>, conv: Conv, taps: &[usize]) -> Expr<'b> {
        self.builder().apply(ConvKernelGrad { conv, taps: taps.into() }, &[self, result])
    }
}
