//! Folds: the loops of reductions.
//!
//! f32 is summed in f32 only within short stretches of many independent lanes, and in f64 across them: errors do not
//! grow with the length of a sum.

use std::marker::PhantomData;

use super::number::Number;
use super::plain::Plain;
use super::{Isa, Loop, Target};

/// A way to combine elements. All are associative but for rounding, and taken in an order that sizes alone decide.
pub(crate) trait Fold: Send + Sync + 'static {
    /// The elements.
    type X: Number;
    /// What results are kept in between.
    type Total: Plain;
    /// The total of nothing.
    const NOTHING: Self::Total;
    fn pair(a: Self::X, b: Self::X) -> Self::X;
    fn join(a: Self::Total, b: Self::Total) -> Self::Total;
    fn lift(x: Self::X) -> Self::Total;
    fn lower(total: Self::Total) -> Self::X;
}

/// The type that sums of a type are kept in.
pub(crate) trait Summed: Number {
    type Total: Number;
    fn lift(self) -> Self::Total;
    fn lower(total: Self::Total) -> Self;
}

macro_rules! summed {
    ($($x:ident in $total:ident),*) => {$(
        impl Summed for $x {
            type Total = $total;

            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn lift(self) -> $total {
                self as $total
            }

            #[inline(always)]
            #[allow(clippy::unnecessary_cast)]
            fn lower(total: $total) -> $x {
                total as $x
            }
        }
    )*};
}

summed!(f32 in f64, f64 in f64, i32 in i32, i64 in i64, u8 in u8, u32 in u32);

/// A fold whose total is wider than its elements.
macro_rules! wide {
    ($name:ident, $join:ident, $neutral:ident) => {
        pub(crate) struct $name<X>(PhantomData<X>);

        impl<X: Summed> Fold for $name<X> {
            type X = X;
            type Total = X::Total;
            const NOTHING: X::Total = <X::Total as Number>::$neutral;

            #[inline(always)]
            fn pair(a: X, b: X) -> X {
                a.$join(b)
            }

            #[inline(always)]
            fn join(a: X::Total, b: X::Total) -> X::Total {
                a.$join(b)
            }

            #[inline(always)]
            fn lift(x: X) -> X::Total {
                x.lift()
            }

            #[inline(always)]
            fn lower(total: X::Total) -> X {
                X::lower(total)
            }
        }
    };
}

/// A fold whose total is one of its elements.
macro_rules! extreme {
    ($name:ident, $join:ident, $neutral:ident) => {
        pub(crate) struct $name<X>(PhantomData<X>);

        impl<X: Number> Fold for $name<X> {
            type X = X;
            type Total = X;
            const NOTHING: X = X::$neutral;

            #[inline(always)]
            fn pair(a: X, b: X) -> X {
                a.$join(b)
            }

            #[inline(always)]
            fn join(a: X, b: X) -> X {
                a.$join(b)
            }

            #[inline(always)]
            fn lift(x: X) -> X {
                x
            }

            #[inline(always)]
            fn lower(total: X) -> X {
                total
            }
        }
    };
}

wide!(Sum, add, ZERO);
wide!(Prod, mul, ONE);
extreme!(Max, max, LOWEST);
extreme!(Min, min, HIGHEST);

/// Independent partial results of one row. There are so many that the loop over them stays a loop, which the compiler
/// turns into vectors whatever the fold; the fewer each has to take in, the smaller the errors.
const LANES: usize = 128;
/// The same for what is left of a row, and for short rows.
const FEW: usize = 8;

/// Folds each `length` consecutive elements into one total.
pub(crate) fn fold_rows<F: Fold>(isa: Isa, totals: &mut [F::Total], x: &[F::X], length: usize) {
    assert_eq!(x.len(), totals.len() * length, "one row for each total");
    isa.run(Rows::<F> { totals, x, length });
}

/// Folds so many rows as long as `totals` into it, element by element; they begin `distance` apart.
pub(crate) fn fold_columns<F: Fold>(
    isa: Isa,
    totals: &mut [F::Total],
    x: &[F::X],
    rows: usize,
    distance: usize,
) {
    isa.run(Columns::<F> { totals, x, rows, distance });
}

/// Folds totals into totals.
pub(crate) fn join_totals<F: Fold>(isa: Isa, totals: &mut [F::Total], more: &[F::Total]) {
    isa.run(Join::<F> { totals, more });
}

struct Rows<'a, F: Fold> {
    totals: &'a mut [F::Total],
    x: &'a [F::X],
    length: usize,
}

impl<F: Fold> Loop for Rows<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for (row, total) in self.totals.iter_mut().enumerate() {
            let row = &self.x[row * self.length..][..self.length];
            *total = F::join(*total, fold_row::<F>(row));
        }
    }
}

/// The total of one row: long rows in all lanes, what is left in a few, what is left then one by one.
#[inline(always)]
fn fold_row<F: Fold>(row: &[F::X]) -> F::Total {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (few, rest) = rest.as_chunks::<FEW>();
    let mut total = F::NOTHING;
    if let Some(mut lanes) = fold_lanes::<F, LANES>(chunks) {
        // Halves onto halves, down to a few.
        let mut width = LANES / 2;
        while width >= FEW {
            let (low, high) = lanes.split_at_mut(width);
            for (low, &high) in low.iter_mut().zip(&*high) {
                *low = F::pair(*low, high);
            }
            width /= 2;
        }
        total = lanes[..FEW].iter().fold(total, |total, &lane| F::join(total, F::lift(lane)));
    }
    if let Some(lanes) = fold_lanes::<F, FEW>(few) {
        total = lanes.into_iter().fold(total, |total, lane| F::join(total, F::lift(lane)));
    }
    rest.iter().fold(total, |total, &x| F::join(total, F::lift(x)))
}

/// Chunks folded into each other, lane by lane.
#[inline(always)]
fn fold_lanes<F: Fold, const N: usize>(chunks: &[[F::X; N]]) -> Option<[F::X; N]> {
    let (first, chunks) = chunks.split_first()?;
    let mut lanes = *first;
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = F::pair(*lane, x);
        }
    }
    Some(lanes)
}

struct Columns<'a, F: Fold> {
    totals: &'a mut [F::Total],
    x: &'a [F::X],
    rows: usize,
    distance: usize,
}

impl<F: Fold> Loop for Columns<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Columns { totals, x, rows, distance } = self;
        let width = totals.len();
        let row = |row: usize| &x[row * distance..][..width];
        // Four rows at a time are paired in their own type, so that there is less to widen and to load.
        let quads = rows / 4 * 4;
        for quad in (0..quads).step_by(4) {
            let (a, b, c, d) = (row(quad), row(quad + 1), row(quad + 2), row(quad + 3));
            for ((((total, &a), &b), &c), &d) in totals.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *total = F::join(*total, F::lift(F::pair(F::pair(a, b), F::pair(c, d))));
            }
        }
        for left in quads..rows {
            for (total, &x) in totals.iter_mut().zip(row(left)) {
                *total = F::join(*total, F::lift(x));
            }
        }
    }
}

struct Join<'a, F: Fold> {
    totals: &'a mut [F::Total],
    more: &'a [F::Total],
}

impl<F: Fold> Loop for Join<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for (total, &more) in self.totals.iter_mut().zip(self.more) {
            *total = F::join(*total, more);
        }
    }
}
