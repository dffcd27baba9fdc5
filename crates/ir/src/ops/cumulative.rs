//! `cumulative`: every element combined with those before it.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Reduction, Scatter, ScatterKind};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Type};

/// Element `i` along `axis` combines elements `0..=i`, or from the last down to `i` when reversed.
/// Sums of bf16 and f16 are kept in f32.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cumulative {
    /// How elements combine.
    pub kind: Reduction,
    /// Along which axis.
    pub axis: usize,
    /// From the last element towards the first.
    pub reverse: bool,
}

impl Cumulative {
    /// Runs `combine` along every line, in place.
    fn run<T: Copy>(&self, x: &Tensor, items: &mut [T], combine: impl Fn(T, T) -> T) {
        for line in x.shape().lines(self.axis) {
            let places: Vec<usize> = if self.reverse { line.rev().collect() } else { line.collect() };
            for pair in places.windows(2) {
                items[pair[1]] = combine(items[pair[0]], items[pair[1]]);
            }
        }
    }
}

impl Rules for Cumulative {
    fn name(&self) -> &'static str {
        "cumulative"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        match args {
            [x] if self.axis < x.shape.rank() && self.kind.takes(x.dtype) => Ok((*x).clone()),
            _ => Err(OpError::new(
                "cumulative",
                format!("one argument of numbers with axis {}", self.axis),
                args,
            )),
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        if self.kind == Reduction::Sum {
            return Grads::of([cotangent.cumulative(Reduction::Sum, self.axis, !self.reverse)]);
        }
        // Everything below runs along the last axis, forwards.
        let last = at.args[0].rank() - 1;
        let mut order: Vec<usize> = (0..=last).collect();
        order.swap(self.axis, last);
        let turned = |x: Expr<'b>| if self.reverse { x.reverse(&[last]) } else { x };
        let [x, y, ct] = [at.args[0], at.value, cotangent].map(|x| turned(x.transpose(&order)));
        let of_x = match self.kind {
            Reduction::Sum => unreachable!("answered above"),
            Reduction::Prod => grad_of_product(x, ct),
            Reduction::Max | Reduction::Min => grad_of_extreme(self.kind, x, y, ct),
        };
        Grads::of([turned(of_x).transpose(&order)])
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (x, combine) = (args[0], self.kind.combine());
        if ty.dtype.is_float() {
            let mut items = x.floats();
            self.run(x, &mut items, |a, b| combine.on_float(a, b));
            Tensor::from_floats(ty, items)
        } else {
            let mut items = x.integers();
            self.run(x, &mut items, |a, b| combine.on_integer(a, b, ty.dtype));
            Tensor::from_integers(ty, items)
        }
    }

    fn attributes(&self) -> Attributes {
        let reverse = if self.reverse { "true" } else { "false" };
        Attributes::default().word("kind", self.kind.word()).size("axis", self.axis).word("reverse", reverse)
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Cumulative, String>> {
        (name == "cumulative").then(|| {
            Ok(Cumulative {
                kind: Reduction::parse(attributes.get_word("kind")?)?,
                axis: attributes.get_size("axis")?,
                reverse: attributes.get_bool("reverse")?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        match self.kind {
            Reduction::Sum | Reduction::Prod => Exactness::Rounding,
            Reduction::Max | Reduction::Min => Exactness::Exact,
        }
    }

    fn simplify<'b>(&self, at: &At<'b>) -> Option<Expr<'b>> {
        (at.value.shape()[self.axis] <= 1).then_some(at.args[0])
    }
}

/// Each element of the running product `y_i = x_0 ⋯ x_i` hands its cotangent to the factors:
/// `dx_k = x_0 ⋯ x_{k-1} · Σ_{i≥k} ct_i · x_{k+1} ⋯ x_i`.
///
/// No division, so zeros among the factors do no harm; the price is a square of products for every line, which the
/// rare gradient of a running product may cost.
fn grad_of_product<'b>(x: Expr<'b>, ct: Expr<'b>) -> Expr<'b> {
    let (shape, last) = (x.shape(), x.rank() - 1);
    let size = shape[last];
    let sizes: Vec<usize> = shape.iter().copied().chain([size]).collect();
    let square = Type::new(x.dtype(), sizes);
    let outer: Vec<usize> = (0..last).chain([last + 1]).collect();
    let along = |row: Expr<'b>| row.broadcast(square.shape.clone(), &outer);
    let coordinate = |axis: usize| x.builder().iota(square.with_dtype(DType::I32), axis);
    let (k, i) = (coordinate(last), coordinate(last + 1));
    let one = x.builder().full(&square, 1.0);
    let between = i.gt(k).select(along(x), one).cumulative(Reduction::Prod, last + 1, false);
    let after = i.ge(k).select(between * along(ct), x.builder().full(&square, 0.0)).sum(&[last + 1]);
    shifted(x, x.number(1.0)).cumulative(Reduction::Prod, last, false) * after
}

/// Each element of a running extreme hands its cotangent to the element that set the record: the first of equals.
fn grad_of_extreme<'b>(kind: Reduction, x: Expr<'b>, y: Expr<'b>, ct: Expr<'b>) -> Expr<'b> {
    let last = x.rank() - 1;
    let before = shifted(y, x.constant(kind.identity(x.dtype())));
    let record = if kind == Reduction::Max { x.gt(before) } else { x.lt(before) };
    let place = x.builder().iota(x.ty().with_dtype(DType::I32), last);
    let holder = record.select(place, place.full_like(0.0)).cumulative(Reduction::Max, last, false);
    x.full_like(0.0).scatter(holder, ct, Scatter { axis: last, batch: last, kind: ScatterKind::Add })
}

/// The elements moved one place towards the end of the last axis; `first` enters, and the last element leaves.
fn shifted<'b>(x: Expr<'b>, first: Expr<'b>) -> Expr<'b> {
    let (last, size) = (x.rank() - 1, x.shape()[x.rank() - 1]);
    let (mut low, none) = (vec![0; last + 1], vec![0; last + 1]);
    low[last] = 1;
    x.pad(first, &low, &none, &none).slice_axis(last, 0, size)
}
