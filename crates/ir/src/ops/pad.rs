//! `pad`: a value around the elements and between them.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Op, Rules};
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

    /// The result's elements that come from the argument, in place of the argument.
    fn kept<'b>(&self, x: &Shape, padded: Expr<'b>) -> Expr<'b> {
        let step: Vec<usize> = self.interior.iter().map(|interior| interior + 1).collect();
        let last = |axis: usize| if x[axis] == 0 { 0 } else { (x[axis] - 1) * step[axis] + 1 };
        let stop: Vec<usize> = (0..x.rank()).map(|axis| self.low[axis] + last(axis)).collect();
        padded.slice(&self.low, &stop, &step)
    }
}

/// The sum of two values, each with zeros around it, that lie one behind the other on one axis: both with zeros around
/// them together. The gradients of slices that divide a value are added so.
pub(crate) fn neighbours<'b>(x: Expr<'b>, y: Expr<'b>) -> Option<Expr<'b>> {
    let (left, right) = (Padded::of(x)?, Padded::of(y)?);
    left.before(&right).or_else(|| right.before(&left))
}

/// A value with zeros around it.
struct Padded<'b> {
    pad: Pad,
    inner: Expr<'b>,
}

impl<'b> Padded<'b> {
    fn of(x: Expr<'b>) -> Option<Padded<'b>> {
        let node = x.node();
        let Op::Pad(pad) = node.op else { return None };
        let (inner, value) = (x.builder().expr(node.args[0]), x.builder().expr(node.args[1]));
        let fits = value.as_number() == Some(0.0) && pad.interior.iter().all(|&between| between == 0);
        fits.then_some(Padded { pad, inner })
    }

    /// This one and then `other`, joined, if that begins where this one ends.
    fn before(&self, other: &Padded<'b>) -> Option<Expr<'b>> {
        let (first, second) = (&self.pad, &other.pad);
        let mut apart = (0..first.low.rank())
            .filter(|&axis| first.low[axis] != second.low[axis] || first.high[axis] != second.high[axis]);
        let axis = apart.next()?;
        let meets = first.low[axis] + self.inner.shape()[axis] == second.low[axis];
        if apart.next().is_some() || !meets {
            return None;
        }
        let parts = [self.parts(axis), other.parts(axis)].concat();
        let high = first.high.with(axis, second.high[axis]);
        let zero = self.inner.number(0.0);
        Some(Expr::concat(&parts, axis).pad(zero, &first.low, &high, &first.interior))
    }

    /// What is joined along an axis already.
    fn parts(&self, axis: usize) -> Vec<Expr<'b>> {
        let node = self.inner.node();
        match &node.op {
            Op::Concat(concat) if concat.axis == axis => {
                node.args.iter().map(|&part| self.inner.builder().expr(part)).collect()
            }
            _ => vec![self.inner],
        }
    }
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
