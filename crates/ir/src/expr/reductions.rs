//! Reductions: products and sums over axes, and what else combines or orders the elements along some.

use super::Expr;
use crate::ops::{ArgReduce, ArgReduction, ArgSort, Cumulative, Dot, Reduce, Reduction};

impl<'b> Expr<'b> {
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
}
