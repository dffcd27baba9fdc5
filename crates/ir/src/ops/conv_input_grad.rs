//! `conv_input_grad`: the gradient of a convolution for its input: what is called a transposed convolution.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Conv, ConvSizes};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// The input's cotangent `[n, sizes…, channels]` from the result's `[n, places…, filters]` and the kernel
/// `[taps…, channels/groups, filters]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConvInputGrad {
    /// The convolution.
    pub conv: Conv,
    /// Sizes of the input between its first and last axis. Several sizes may lead to the same number of places.
    pub input: Shape,
}

impl ConvInputGrad {
    /// The shape of the input whose convolution with the kernel has this result; `None` if there is none.
    fn input(&self, result: &Type, kernel: &Type) -> Option<(Shape, ConvSizes)> {
        let (&batch, channels) = (result.shape.first()?, kernel.shape.get(self.input.len())?);
        let channels = channels.checked_mul(self.conv.groups)?;
        let shape: Shape = [batch].into_iter().chain(self.input.iter().copied()).chain([channels]).collect();
        let sizes = self.conv.fitting(&result.with_shape(shape.clone()), kernel)?;
        (sizes.result() == result.shape).then_some((shape, sizes))
    }

    /// The sizes of the convolution of these types; `None` if they do not fit each other.
    pub fn sizes(&self, result: &Type, kernel: &Type) -> Option<ConvSizes> {
        self.input(result, kernel).map(|(_, sizes)| sizes)
    }
}

impl Rules for ConvInputGrad {
    fn name(&self) -> &'static str {
        "conv_input_grad"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let input = match args {
            [result, kernel] => self.input(result, kernel).map(|(shape, _)| result.with_shape(shape)),
            _ => None,
        };
        input.ok_or_else(|| {
            let need = format!("the result and the kernel of a convolution of {}", self.input);
            OpError::new("conv_input_grad", need, args)
        })
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (result, kernel) = (at.args[0], at.args[1]);
        let taps = &kernel.shape()[..self.input.len()];
        Grads::of([
            cotangent.conv(kernel, self.conv.clone()),
            cotangent.conv_kernel_grad(result, self.conv.clone(), taps),
        ])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let sizes = self.sizes(&args[0].ty(), &args[1].ty()).expect("arguments that `infer` accepted");
        let (result, kernel, mut out) = (args[0].floats(), args[1].floats(), vec![0.0; ty.elements()]);
        sizes.products(&self.conv.sliding, |x, k, y| out[x] += result[y] * kernel[k]);
        Tensor::from_floats(ty, out)
    }

    fn attributes(&self) -> Attributes {
        self.conv.write().sizes("input", &self.input)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<ConvInputGrad, String>> {
        (name == "conv_input_grad").then(|| {
            Ok(ConvInputGrad { conv: Conv::read(attributes)?, input: attributes.get_sizes("input")? })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Rounding
    }

    fn flops(&self, args: &[&Type], _: &Type) -> u64 {
        self.sizes(args[0], args[1]).map_or(0, |sizes| sizes.flops())
    }
}

impl<'b> Expr<'b> {
    /// The gradient for its input, of these sizes, of a convolution that has this result: see [`ConvInputGrad`].
    pub fn conv_input_grad(self, kernel: Expr<'b>, conv: Conv, input: &[usize]) -> Expr<'b> {
        self.builder().apply(ConvInputGrad { conv, input: input.into() }, &[self, kernel])
    }
}
