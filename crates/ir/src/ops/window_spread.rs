//! `window_spread`: the gradient of a sum of windows: each value is added to all elements of its window.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{WindowKind, Windows};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{Shape, Type};

/// From values `[n, places…, channels]` a tensor `[n, sizes…, channels]` whose elements are the sums of the values of
/// all windows that contain them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WindowSpread {
    /// Which windows.
    pub windows: Windows,
    /// Sizes of the result between its first and last axis. Several sizes may lead to the same number of places.
    pub input: Shape,
}

impl WindowSpread {
    /// The shape whose windows have these places; `None` if there is none.
    fn input(&self, values: &Type) -> Option<Shape> {
        let (&batch, &channels) = (values.shape.first()?, values.shape.last()?);
        let shape: Shape = [batch].into_iter().chain(self.input.iter().copied()).chain([channels]).collect();
        let result = self.windows.result(&values.with_shape(shape.clone()))?;
        (result == values.shape).then_some(shape)
    }
}

impl Rules for WindowSpread {
    fn name(&self) -> &'static str {
        "window_spread"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let shape = if let [values] = args { self.input(values) } else { None };
        shape.map(|shape| args[0].with_shape(shape)).ok_or_else(|| {
            let need = format!("floats for each window of {} over {}", self.windows.sizes, self.input);
            OpError::new("window_spread", need, args)
        })
    }

    fn grad<'b>(&self, _: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        Grads::of([cotangent.window(WindowKind::Sum, self.windows.clone())])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (values, mut out) = (args[0].floats(), vec![0.0; ty.elements()]);
        self.windows.meetings(&ty.shape, |element, place| out[element] += values[place]);
        Tensor::from_floats(ty, out)
    }

    fn attributes(&self) -> Attributes {
        self.windows.write(Attributes::default()).sizes("input", &self.input)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<WindowSpread, String>> {
        (name == "window_spread").then(|| {
            Ok(WindowSpread { windows: Windows::read(attributes)?, input: attributes.get_sizes("input")? })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Rounding
    }

    fn flops(&self, args: &[&Type], _: &Type) -> u64 {
        (args[0].elements() as u64).saturating_mul(self.windows.sizes.elements() as u64)
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        self.windows.sliding.is_pointwise(&self.windows.sizes).then(|| at.args[0])
    }
}

impl<'b> Expr<'b> {
    /// Each value of this added to all elements of its window: see [`WindowSpread`].
    pub fn window_spread(self, windows: Windows, input: &[usize]) -> Expr<'b> {
        self.builder().apply(WindowSpread { windows, input: input.into() }, &[self])
    }
}
