//! Indexing: parts of values, values put together, and elements picked by whole numbers.

use super::Expr;
use crate::ops::{Concat, DynamicSlice, DynamicUpdate, Gather, Pad, Reverse, Scatter, Slice};
use crate::types::Shape;

impl<'b> Expr<'b> {
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
}
