//! `pad`: a value around the elements and between them.

use crate::error::OpError;
use crate::expr::Expr;
use crate::graph::Value;
use crate::op::{At, Exactness, Grads, Op, Rules};
use crate::ops::Sliding;
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Shape, Type};

/// Puts the second argument, a scalar, around the elements of the first: on each axis `low` times before them, `high`
/// times after them and `interior` times between neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// How many go before the first element of each axis.
    pub low: Shape,
    /// How many go after the last.
    pub high: Shape,
    /// How many go between two neighbours.
    pub interior: Shape,
}

impl Pad {
    /// The padded size of an axis; `None` beyond what memory can address.
    fn padded(&self, axis: usize, size: usize) -> Option<usize> {
        let step = self.interior[axis].checked_add(1)?;
        let spread = if size == 0 { 0 } else { (size - 1).checked_mul(step)?.checked_add(1)? };
        spread.checked_add(self.low[axis])?.checked_add(self.high[axis])
    }

    /// What slides over a tensor `[n, sizes…, channels]` that is padded with `value`, as sliding over what was padded:
    /// that, and how. For windows that take their own padding as that value. `None` if it is not padded so.
    pub(super) fn slid_over<'b>(
        padded: Expr<'b>,
        value: f64,
        sliding: &Sliding,
    ) -> Option<(Expr<'b>, Sliding)> {
        let node = padded.node();
        let Op::Pad(pad) = &node.op else { return None };
        let [x, padding] = [0, 1].map(|arg| padded.builder().expr(node.args[arg]));
        let last = x.rank().checked_sub(1)?;
        let is_outside = |sizes: &Shape| sizes[0] == 0 && sizes[last] == 0;
        let is_around =
            pad.interior.iter().all(|&between| between == 0) && is_outside(&pad.low) && is_outside(&pad.high);
        if !is_around || last != sliding.axes() + 1 || padding.as_number() != Some(value) {
            return None;
        }
        let more = |own: &Shape, padded: &Shape| {
            own.iter().zip(&padded[1..]).map(|(own, more)| own + more).collect()
        };
        let (low, high) = (more(&sliding.low, &pad.low), more(&sliding.high, &pad.high));
        Some((x, Sliding { low, high, ..sliding.clone() }))
    }

    /// The result's elements that come from the argument, in place of the argument.
    fn kept<'b>(&self, x: &Shape, padded: Expr<'b>) -> Expr<'b> {
        let step: Vec<usize> = self.interior.iter().map(|interior| interior + 1).collect();
        let last = |axis: usize| if x[axis] == 0 { 0 } else { (x[axis] - 1) * step[axis] + 1 };
        let stop: Vec<usize> = (0..x.rank()).map(|axis| self.low[axis] + last(axis)).collect();
        padded.slice(&self.low, &stop, &step)
    }
}

/// The sum of two arguments that zeros were put around, where one begins on an axis at which the other ends: both
/// joined, with the zeros around them. Gradients of slices are such sums.
pub(super) fn sum_of_neighbours<'b>(x: Expr<'b>, y: Expr<'b>) -> Option<Expr<'b>> {
    let (a, b) = (x.node(), y.node());
    let (Op::Pad(first), Op::Pad(second)) = (&a.op, &b.op) else { return None };
    let builder = x.builder();
    let is_zero = |value: Value| builder.expr(value).as_number() == Some(0.0);
    let is_spread = |pad: &Pad| pad.interior.iter().any(|&interior| interior > 0);
    if !is_zero(a.args[1]) || !is_zero(b.args[1]) || is_spread(first) || is_spread(second) {
        return None;
    }
    let differs =
        |axis: &usize| (first.low[*axis], first.high[*axis]) != (second.low[*axis], second.high[*axis]);
    let mut axes = (0..first.low.len()).filter(differs);
    let (Some(axis), None) = (axes.next(), axes.next()) else { return None };
    let (inner_first, inner_second) = (builder.expr(a.args[0]), builder.expr(b.args[0]));
    let ends = |pad: &Pad, inner: Expr<'b>| pad.low[axis] + inner.shape()[axis];
    let (parts, low, high) = if ends(first, inner_first) == second.low[axis] {
        ([inner_first, inner_second], &first.low, &second.high)
    } else if ends(second, inner_second) == first.low[axis] {
        ([inner_second, inner_first], &second.low, &first.high)
    } else {
        return None;
    };
    let pad = Pad { low: low.clone(), high: high.clone(), interior: first.interior.clone() };
    Some(builder.apply(pad, &[Expr::concat(&parts, axis), builder.expr(a.args[1])]))
}

impl Rules for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let fits = |x: &Type, value: &Type| {
            *value == Type::scalar(x.dtype)
                && [&self.low, &self.high, &self.interior].iter().all(|sizes| sizes.len() == x.shape.rank())
        };
        let padded = match args {
            [x, value] if fits(x, value) => {
                let sizes = x.shape.iter().enumerate().map(|(axis, &size)| self.padded(axis, size));
                sizes.collect::<Option<Shape>>().map(|shape| x.with_shape(shape))
            }
            _ => None,
        };
        padded.ok_or_else(|| {
            let (low, high, interior) = (&self.low, &self.high, &self.interior);
            let need = format!(
                "an argument with an axis for each of {low}, {high}, {interior}, and a scalar of its type"
            );
            OpError::new("pad", need, args)
        })
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (x, b) = (at.args[0], cotangent.builder());
        let bool_of = |holds: bool| b.scalar(DType::Bool, f64::from(u8::from(holds)));
        let outside = bool_of(false).broadcast_scalar(&x.shape()).pad(
            bool_of(true),
            &self.low,
            &self.high,
            &self.interior,
        );
        let of_value = outside.select(cotangent, cotangent.full_like(0.0)).sum_all();
        Grads::of([self.kept(&x.shape(), cotangent), of_value])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (x, to) = (args[0].shape(), ty.shape.strides());
        let from = x.strides();
        let source = |i: usize| -> Option<usize> {
            (0..x.rank()).try_fold(0, |place, axis| {
                let offset = (i / to[axis] % ty.shape[axis]).checked_sub(self.low[axis])?;
                let (index, between) =
                    (offset / (self.interior[axis] + 1), offset % (self.interior[axis] + 1));
                (between == 0 && index < x[axis]).then(|| place + index * from[axis])
            })
        };
        Tensor::assembled(args, &ty.shape, |i| Some(source(i).map_or((1, 0), |from| (0, from))))
    }

    fn attributes(&self) -> Attributes {
        Attributes::default()
            .sizes("low", &self.low)
            .sizes("high", &self.high)
            .sizes("interior", &self.interior)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Pad, String>> {
        (name == "pad").then(|| {
            Ok(Pad {
                low: attributes.get_sizes("low")?,
                high: attributes.get_sizes("high")?,
                interior: attributes.get_sizes("interior")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        let (x, value) = (at.args[0], at.args[1]);
        let padded = at.value.shape();
        if padded == x.shape() {
            return Some(x);
        }
        (x.shape().elements() == 0).then(|| value.broadcast_scalar(&padded))
    }
}
