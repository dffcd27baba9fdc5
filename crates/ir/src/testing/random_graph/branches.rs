//! Conditionals: branches that change values and pass them through, one inside another, with loops in them.

use super::{Garden, Grown};
use crate::derived::{Loop, Step, along_time, conditional};
use crate::expr::Expr;
use crate::types::{DType, Type};

impl<'b> Garden<'b> {
    /// Two results of a conditional on this value and another of its type.
    pub(super) fn conditional(&mut self, x: Grown<'b>) {
        let y = self.partner(x);
        let predicate = self.predicate();
        let inner = self.draw.once_in(3).then(|| self.predicate());
        let (b, rounds) = (self.b, x.expr.dtype().is_float());
        let both = |a: Expr<'b>, c: Expr<'b>| if a.dtype() == DType::Bool { a.max(c) } else { a + c };
        let then = || match inner {
            Some(inner) => conditional(
                b,
                inner.expr,
                || vec![both(x.expr, y.expr), y.expr],
                || vec![x.expr, self.halves(x.expr, y.expr)],
            ),
            None => vec![self.halves(y.expr, x.expr), x.expr],
        };
        let results = conditional(b, predicate.expr, then, || vec![y.expr, both(y.expr, x.expr)]);
        let from: Vec<Grown<'b>> = [x, y, predicate].into_iter().chain(inner).collect();
        for result in results {
            let bound = x.bound + y.bound;
            if rounds { self.keep_rounded(result, &from, bound) } else { self.keep(result, &from, bound) }
        }
    }

    /// A bool scalar: one there is, or an input.
    fn predicate(&mut self) -> Grown<'b> {
        let wanted = Type::scalar(DType::Bool);
        let known = self.values.iter().copied().rfind(|value| value.expr.ty() == wanted);
        known.filter(|_| self.draw.once_in(2)).unwrap_or_else(|| self.input(wanted))
    }

    /// For floats, half of the first value, then half of that and half of the other; else the smaller of both.
    fn halves(&self, x: Expr<'b>, y: Expr<'b>) -> Expr<'b> {
        if !x.dtype().is_float() {
            return x.min(y);
        }
        let of = Loop { length: 2, reverse: false, carries: vec![x], sequences: Vec::new() };
        let (last, _) = along_time(self.b, of, |carries, _| {
            let next = (carries[0] + y) * y.number(0.5);
            Step { carries: vec![next], results: Vec::new() }
        });
        last[0]
    }
}
