//! Expr: a value of a graph under construction, with the methods and operators that make further nodes.
//!
//! Binary operators take operands of one element type. Shapes must be equal, or a scalar meets any shape, or the ranks
//! are equal and an axis of size 1 meets any size. Ranks never adapt by themselves: `(n,)` against `(n, 1)` is an
//! error, not an `(n, n)`.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::builder::Builder;
use crate::error::OpError;
use crate::graph::{Node, Value};
use crate::op::Op;
use crate::ops::*;
use crate::tensor::Tensor;
use crate::types::{DType, Shape, Type};

/// A value together with the builder that its graph grows in.
#[derive(Clone, Copy)]
pub struct Expr<'b> {
    builder: &'b Builder,
    value: Value,
}

impl<'b> Expr<'b> {
    pub(crate) fn new(builder: &'b Builder, value: Value) -> Expr<'b> {
        Expr { builder, value }
    }

    /// The builder it belongs to.
    pub fn builder(self) -> &'b Builder {
        self.builder
    }

    /// Its index in the graph.
    pub fn value(self) -> Value {
        self.value
    }

    /// The node that makes it.
    pub fn node(self) -> Node {
        self.builder.node(self.value)
    }

    /// Element type and shape.
    pub fn ty(self) -> Type {
        self.builder.ty(self.value)
    }

    /// Element type.
    pub fn dtype(self) -> DType {
        self.ty().dtype
    }

    /// Size of every axis.
    pub fn shape(self) -> Shape {
        self.ty().shape
    }

    /// Number of axes.
    pub fn rank(self) -> usize {
        self.shape().rank()
    }

    /// The value of a constant, seen through broadcasts, reshapes and casts of one number.
    pub fn as_number(self) -> Option<f64> {
        let mut node = self.node();
        while let Op::Broadcast(_) | Op::Reshape(_) = node.op {
            node = self.builder.node(node.args[0]);
        }
        match &node.op {
            Op::Constant(Constant(tensor)) if tensor.shape().elements() == 1 => Some(tensor.floats()[0]),
            _ => None,
        }
    }

    /// A number of this element type, as a scalar.
    pub fn number(self, value: f64) -> Expr<'b> {
        self.builder.scalar(self.dtype(), value)
    }

    /// `value` in the type of this expression.
    pub fn full_like(self, value: f64) -> Expr<'b> {
        self.builder.full(&self.ty(), value)
    }

    fn unary(self, op: Unary) -> Expr<'b> {
        self.builder.apply(op, &[self])
    }

    fn binary(self, op: Binary, other: Expr<'b>) -> Expr<'b> {
        let (a, b) = self.matched(other);
        self.builder.apply(op, &[a, b])
    }

    fn compare(self, op: Compare, other: Expr<'b>) -> Expr<'b> {
        let (a, b) = self.matched(other);
        self.builder.apply(op, &[a, b])
    }

    /// Both operands broadcast to their common shape; left as they are, for the op to refuse, when there is none.
    fn matched(self, other: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
        let (a, b) = (self.shape(), other.shape());
        if a == b {
            return (self, other);
        }
        let common: Option<Shape> = match (a.rank(), b.rank()) {
            (_, 0) => Some(a.clone()),
            (0, _) => Some(b.clone()),
            (m, n) if m == n => a
                .iter()
                .zip(b.iter())
                .map(|(&m, &n)| match (m, n) {
                    (1, n) => Some(n),
                    (m, n) if n == 1 || m == n => Some(m),
                    (_, _) => None,
                })
                .collect(),
            (_, _) => None,
        };
        match common {
            Some(shape) => (self.stretched(&shape), other.stretched(&shape)),
            None => (self, other),
        }
    }

    /// Broadcast to `shape`, which differs from this one's only where a scalar or an axis of size 1 is stretched.
    fn stretched(self, shape: &Shape) -> Expr<'b> {
        let own = self.shape();
        if own == *shape {
            return self;
        }
        if own.rank() == 0 {
            return self.broadcast_scalar(shape);
        }
        let kept: Vec<usize> = (0..own.rank()).filter(|&axis| own[axis] == shape[axis]).collect();
        let squeezed: Shape = kept.iter().map(|&axis| own[axis]).collect();
        self.reshape(squeezed).broadcast(shape.clone(), &kept)
    }

    /// |x|
    pub fn abs(self) -> Expr<'b> {
        self.unary(Unary::Abs)
    }

    /// -1, 0 or 1; NaN stays.
    pub fn sign(self) -> Expr<'b> {
        self.unary(Unary::Sign)
    }

    /// eˣ
    pub fn exp(self) -> Expr<'b> {
        self.unary(Unary::Exp)
    }

    /// eˣ - 1, exact near 0.
    pub fn expm1(self) -> Expr<'b> {
        self.unary(Unary::Expm1)
    }

    /// The natural logarithm.
    pub fn log(self) -> Expr<'b> {
        self.unary(Unary::Log)
    }

    /// ln(1 + x), exact near 0.
    pub fn log1p(self) -> Expr<'b> {
        self.unary(Unary::Log1p)
    }

    /// √x
    pub fn sqrt(self) -> Expr<'b> {
        self.unary(Unary::Sqrt)
    }

    /// 1/√x
    pub fn rsqrt(self) -> Expr<'b> {
        self.unary(Unary::Rsqrt)
    }

    /// Sine of radians.
    pub fn sin(self) -> Expr<'b> {
        self.unary(Unary::Sin)
    }

    /// Cosine of radians.
    pub fn cos(self) -> Expr<'b> {
        self.unary(Unary::Cos)
    }

    /// Hyperbolic tangent.
    pub fn tanh(self) -> Expr<'b> {
        self.unary(Unary::Tanh)
    }

    /// 1/(1 + e⁻ˣ)
    pub fn logistic(self) -> Expr<'b> {
        self.unary(Unary::Logistic)
    }

    /// The error function.
    pub fn erf(self) -> Expr<'b> {
        self.unary(Unary::Erf)
    }

    /// Its inverse, from (-1, 1).
    pub fn erf_inv(self) -> Expr<'b> {
        self.unary(Unary::ErfInv)
    }

    /// The largest whole number that is not above.
    pub fn floor(self) -> Expr<'b> {
        self.unary(Unary::Floor)
    }

    /// The smallest whole number that is not below.
    pub fn ceil(self) -> Expr<'b> {
        self.unary(Unary::Ceil)
    }

    /// The nearest whole number; halves go to the even one.
    pub fn round(self) -> Expr<'b> {
        self.unary(Unary::Round)
    }

    /// Logical (bool) or bitwise (integers) complement.
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Expr<'b> {
        self.unary(Unary::Not)
    }

    /// x², as one product.
    pub fn square(self) -> Expr<'b> {
        self * self
    }

    /// The remainder, with the sign of the dividend.
    #[allow(clippy::should_implement_trait)]
    pub fn rem(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Rem, other)
    }

    /// Power.
    pub fn pow(self, exponent: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Pow, exponent)
    }

    /// The larger; NaN if either is.
    pub fn max(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Max, other)
    }

    /// The smaller; NaN if either is.
    pub fn min(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Min, other)
    }

    /// Never below `low` nor above `high`.
    pub fn clip(self, low: f64, high: f64) -> Expr<'b> {
        self.max(self.number(low)).min(self.number(high))
    }

    /// The angle of the point (x = `other`, y = self).
    pub fn atan2(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Atan2, other)
    }

    /// Logical (bool) or bitwise (integers) and.
    pub fn and(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::And, other)
    }

    /// Logical (bool) or bitwise (integers) or.
    pub fn or(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Or, other)
    }

    /// Logical (bool) or bitwise (integers) exclusive or.
    pub fn xor(self, other: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Xor, other)
    }

    /// Integers shifted to higher bits; a distance of the word's width or more gives 0.
    #[allow(clippy::should_implement_trait)]
    pub fn shl(self, distance: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Shl, distance)
    }

    /// Integers shifted to lower bits, copying the sign; a distance of the width or more leaves only the sign.
    #[allow(clippy::should_implement_trait)]
    pub fn shr(self, distance: Expr<'b>) -> Expr<'b> {
        self.binary(Binary::Shr, distance)
    }

    /// x = y
    #[allow(clippy::should_implement_trait)]
    pub fn eq(self, other: Expr<'b>) -> Expr<'b> {
        self.compare(Compare::Eq, other)
    }

    /// x ≠ y
    #[allow(clippy::should_implement_trait)]
    pub fn ne(self, other: Expr<'b>) -> Expr<'b> {
        self.compare(Compare::Ne, other)
    }

    /// x < y
    #[allow(clippy::should_implement_trait)]
    pub fn lt(self, other: Expr<'b>) -> Expr<'b> {
        self.compare(Compare::Lt, other)
    }

    /// x ≤ y
    #[allow(clippy::should_implement_trait)]
    pub fn le(self, other: Expr<'b>) -> Expr<'b> {
        self.compare(Compare::Le, other)
    }

    /// x > y
    #[allow(clippy::should_implement_trait)]
    pub fn gt(self, other: Expr<'b>) -> Expr<'b> {
        self.compare(Compare::Gt, other)
    }

    /// x ≥ y
    #[allow(clippy::should_implement_trait)]
    pub fn ge(self, other: Expr<'b>) -> Expr<'b> {
        self.compare(Compare::Ge, other)
    }

    /// `yes` where this bool holds, `no` elsewhere. All three are broadcast to their common shape.
    pub fn select(self, yes: Expr<'b>, no: Expr<'b>) -> Expr<'b> {
        let (yes, no) = yes.matched(no);
        let (condition, yes) = self.matched(yes);
        let (condition, no) = condition.matched(no);
        self.builder.apply(Select, &[condition, yes, no])
    }

    /// The same numbers in another element type.
    pub fn cast(self, dtype: DType) -> Expr<'b> {
        if dtype == self.dtype() { self } else { self.builder.apply(Cast { dtype }, &[self]) }
    }

    /// The same value, taken as a constant by the gradient.
    pub fn detach(self) -> Expr<'b> {
        self.builder.apply(Detach, &[self])
    }

    /// The same elements in row-major order under another shape.
    pub fn reshape(self, shape: impl Into<Shape>) -> Expr<'b> {
        let shape = shape.into();
        if shape == self.shape() { self } else { self.builder.apply(Reshape { shape }, &[self]) }
    }

    /// Axis `i` of the result is axis `order[i]` of this.
    pub fn transpose(self, order: &[usize]) -> Expr<'b> {
        if order.iter().copied().eq(0..self.rank()) {
            return self;
        }
        self.builder.apply(Transpose { order: order.into() }, &[self])
    }

    /// Repeats along new axes: axis `i` of this becomes axis `axes[i]` of the result.
    pub fn broadcast(self, shape: impl Into<Shape>, axes: &[usize]) -> Expr<'b> {
        let shape = shape.into();
        if shape == self.shape() && axes.iter().copied().eq(0..shape.rank()) {
            return self;
        }
        self.builder.apply(Broadcast { shape, axes: axes.into() }, &[self])
    }

    /// A scalar in every element of `shape`.
    pub fn broadcast_scalar(self, shape: &Shape) -> Expr<'b> {
        self.broadcast(shape.clone(), &[])
    }

    /// Repeats along leading axes: a bias `[u]` becomes `[n, u]`.
    pub fn broadcast_leading(self, shape: &Shape) -> Expr<'b> {
        let skipped = shape.rank().saturating_sub(self.rank());
        let axes: Vec<usize> = (skipped..shape.rank()).collect();
        self.broadcast(shape.clone(), &axes)
    }

    /// Repeats a reduced value along the axes that `reduce` took out of `shape`.
    pub fn broadcast_reduced(self, shape: &Shape, axes: &[usize]) -> Expr<'b> {
        let kept: Vec<usize> = (0..shape.rank()).filter(|axis| !axes.contains(axis)).collect();
        self.broadcast(shape.clone(), &kept)
    }

    /// A new axis of size 1 before `axis`.
    pub fn expand(self, axis: usize) -> Expr<'b> {
        let shape = self.shape();
        let axis = axis.min(shape.rank());
        let sizes: Vec<usize> =
            shape[..axis].iter().copied().chain([1]).chain(shape[axis..].iter().copied()).collect();
        self.reshape(sizes)
    }

    /// Without the axes of size 1 named here.
    pub fn squeeze(self, axes: &[usize]) -> Expr<'b> {
        self.reshape(self.shape().without(axes))
    }

    /// Elements `start`, `start + step`, … below `stop`, on every axis.
    pub fn slice(self, start: &[usize], stop: &[usize], step: &[usize]) -> Expr<'b> {
        self.builder.apply(Slice { start: start.into(), stop: stop.into(), step: step.into() }, &[self])
    }

    /// Elements `start..stop` of one axis.
    pub fn slice_axis(self, axis: usize, start: usize, stop: usize) -> Expr<'b> {
        let shape = self.shape();
        let mut starts = vec![0; shape.rank()];
        let mut stops = shape.to_vec();
        if axis < shape.rank() {
            starts[axis] = start;
            stops[axis] = stop;
        }
        self.slice(&starts, &stops, &vec![1; shape.rank()])
    }

    /// `value` around the elements (`low` before, `high` after) and `interior` times between neighbours.
    pub fn pad(self, value: Expr<'b>, low: &[usize], high: &[usize], interior: &[usize]) -> Expr<'b> {
        let op = Pad { low: low.into(), high: high.into(), interior: interior.into() };
        self.builder.apply(op, &[self, value])
    }

    /// Values one after another along `axis`.
    pub fn concat(parts: &[Expr<'b>], axis: usize) -> Expr<'b> {
        match parts {
            [only] => *only,
            [first, ..] => first.builder.apply(Concat { axis }, parts),
            [] => panic!("concat joins at least one value"),
        }
    }

    /// The elements in the opposite order along `axes`.
    pub fn reverse(self, axes: &[usize]) -> Expr<'b> {
        let mut axes: Vec<usize> = axes.to_vec();
        axes.sort_unstable();
        self.builder.apply(Reverse { axes: axes.into() }, &[self])
    }

    /// Sum of products over pairs of contracted axes, for each index of the paired batch axes: see [`Dot`].
    pub fn dot(self, other: Expr<'b>, dot: Dot) -> Expr<'b> {
        self.builder.apply(dot, &[self, other])
    }

    /// The last axis of this contracted with the first of `other`: `x·W` for any rank of `x`.
    pub fn matmul(self, other: Expr<'b>) -> Expr<'b> {
        self.dot(other, Dot::contracting([self.rank().saturating_sub(1)], [0]))
    }

    /// Combines the elements along `axes`, which disappear.
    pub fn reduce(self, kind: Reduction, axes: &[usize]) -> Expr<'b> {
        let mut axes: Vec<usize> = axes.to_vec();
        axes.sort_unstable();
        self.builder.apply(Reduce { kind, axes: axes.into() }, &[self])
    }

    /// The sum along `axes`.
    pub fn sum(self, axes: &[usize]) -> Expr<'b> {
        self.reduce(Reduction::Sum, axes)
    }

    /// The sum of all elements.
    pub fn sum_all(self) -> Expr<'b> {
        self.sum(&(0..self.rank()).collect::<Vec<_>>())
    }

    /// The index of the largest (or smallest) element along `axis`, which disappears.
    pub fn arg_reduce(self, kind: ArgReduction, axis: usize) -> Expr<'b> {
        self.builder.apply(ArgReduce { kind, axis }, &[self])
    }

    /// Element `i` of the result combines elements `0..=i` along `axis` (`i..` when reversed).
    pub fn cumulative(self, kind: Reduction, axis: usize, reverse: bool) -> Expr<'b> {
        self.builder.apply(Cumulative { kind, axis, reverse }, &[self])
    }

    /// Indices of the first `count` elements along `axis` in sorted order: see [`ArgSort`].
    pub fn arg_sort(self, axis: usize, descending: bool, count: usize) -> Expr<'b> {
        self.builder.apply(ArgSort { axis, descending, count }, &[self])
    }

    /// Rows of this along `axis`, picked by whole-number indices: see [`Gather`].
    pub fn gather(self, indices: Expr<'b>, axis: usize, batch: usize) -> Expr<'b> {
        self.builder.apply(Gather { axis, batch }, &[self, indices])
    }

    /// This with rows along `axis` combined with updates: see [`Scatter`].
    pub fn scatter(self, indices: Expr<'b>, updates: Expr<'b>, scatter: Scatter) -> Expr<'b> {
        self.builder.apply(scatter, &[self, indices, updates])
    }

    /// The block of size `sizes` that begins at `starts`: see [`DynamicSlice`].
    pub fn dynamic_slice(self, starts: Expr<'b>, sizes: impl Into<Shape>) -> Expr<'b> {
        self.builder.apply(DynamicSlice { sizes: sizes.into() }, &[self, starts])
    }

    /// This with the block that begins at `starts` replaced: see [`DynamicUpdate`].
    pub fn dynamic_update(self, block: Expr<'b>, starts: Expr<'b>) -> Expr<'b> {
        self.builder.apply(DynamicUpdate, &[self, block, starts])
    }

    /// Keeps a mistake made with this value for [`Builder::finish`].
    pub fn fail(self, op: &'static str, need: impl Into<String>) -> Expr<'b> {
        self.builder.record(OpError::new(op, need, &[&self.ty()]));
        self
    }

    /// A constant beside this value.
    pub fn constant(self, tensor: Tensor) -> Expr<'b> {
        self.builder.constant(tensor)
    }
}

impl<'b> Neg for Expr<'b> {
    type Output = Expr<'b>;

    fn neg(self) -> Expr<'b> {
        self.unary(Unary::Neg)
    }
}

/// An arithmetic operator between expressions, and between an expression and a number.
macro_rules! operator {
    ($($trait:ident $method:ident),*) => {$(
        impl<'b> $trait for Expr<'b> {
            type Output = Expr<'b>;

            fn $method(self, other: Expr<'b>) -> Expr<'b> {
                self.binary(Binary::$trait, other)
            }
        }

        impl<'b> $trait<f64> for Expr<'b> {
            type Output = Expr<'b>;

            fn $method(self, other: f64) -> Expr<'b> {
                $trait::$method(self, self.number(other))
            }
        }

        impl<'b> $trait<Expr<'b>> for f64 {
            type Output = Expr<'b>;

            fn $method(self, other: Expr<'b>) -> Expr<'b> {
                $trait::$method(other.number(self), other)
            }
        }
    )*};
}

operator!(Add add, Sub sub, Mul mul, Div div);
