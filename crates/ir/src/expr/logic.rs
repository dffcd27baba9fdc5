//! Logic: bits and truth values, comparisons, and the choice by them.

use super::Expr;
use crate::ops::{Binary, Compare, Select, Unary};

impl<'b> Expr<'b> {
    /// Logical (bool) or bitwise (integers) complement.
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Expr<'b> {
        self.unary(Unary::Not)
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

    pub(super) fn compare(self, op: Compare, other: Expr<'b>) -> Expr<'b> {
        let (a, b) = self.matched(other);
        self.builder.apply(op, &[a, b])
    }
}
