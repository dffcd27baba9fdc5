//! Shape: the same elements under another shape, in another order, or repeated.

use super::Expr;
use crate::ops::{Broadcast, Reshape, Transpose};
use crate::types::Shape;

impl<'b> Expr<'b> {
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

    /// Both operands broadcast to their common shape; left as they are, for the op to refuse, when there is none.
    pub(super) fn matched(self, other: Expr<'b>) -> (Expr<'b>, Expr<'b>) {
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
}
