//! Running sums, products and extremes.

use std::marker::PhantomData;

use cornu_ir::ops::Reduction;

use super::lines::{BAND, Lines};
use super::{BufferIndex, Site, Task};
use crate::simd::fold::{Fold, Max, Min, Prod, Sum};
use crate::simd::plain::elements_mut;
use crate::simd::table::{Held, numbers};
use crate::simd::{Isa, Loop, Target};

/// Each line's running total, from the front or from the back.
pub(crate) fn cumulative(
    kind: Reduction,
    held: Held,
    lines: Lines,
    reverse: bool,
    from: BufferIndex,
    to: BufferIndex,
) -> Box<dyn Task> {
    let task = match kind {
        Reduction::Sum => numbers!(held, N => boxed::<Sum<N>>(lines, reverse, from, to)),
        Reduction::Prod => numbers!(held, N => boxed::<Prod<N>>(lines, reverse, from, to)),
        Reduction::Max => numbers!(held, N => boxed::<Max<N>>(lines, reverse, from, to)),
        Reduction::Min => numbers!(held, N => boxed::<Min<N>>(lines, reverse, from, to)),
    };
    task.expect("registers hold numbers")
}

fn boxed<F: Fold>(lines: Lines, reverse: bool, from: BufferIndex, to: BufferIndex) -> Box<dyn Task> {
    Box::new(CumulativeTask { lines, reverse, from, to, fold: PhantomData::<F> })
}

struct CumulativeTask<F: Fold> {
    lines: Lines,
    reverse: bool,
    from: BufferIndex,
    to: BufferIndex,
    fold: PhantomData<F>,
}

impl<F: Fold> Task for CumulativeTask<F> {
    fn pieces(&self) -> usize {
        self.lines.cut().count()
    }

    fn scratch_bytes(&self) -> usize {
        BAND * size_of::<F::Total>()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let totals = elements_mut::<F::Total>(at.scratch);
        let from = at.buffers.read::<F::X>(self.from);
        for band in self.lines.bands(piece) {
            let totals = &mut totals[..band.width];
            totals.fill(F::NOTHING);
            for step in 0..self.lines.length {
                let i = if self.reverse { self.lines.length - 1 - step } else { step };
                let row = self.lines.row(band, i);
                // SAFETY: bands are different elements, and rows of a band too.
                let out = unsafe { at.buffers.write::<F::X>(self.to, row..row + band.width) };
                advance::<F>(at.isa, totals, &from[row..row + band.width], out);
            }
        }
    }
}

/// Takes one row into the totals, and writes them.
fn advance<F: Fold>(isa: Isa, totals: &mut [F::Total], x: &[F::X], out: &mut [F::X]) {
    if let ([total], [x], [out]) = (&mut *totals, x, &mut *out) {
        *total = F::join(*total, F::lift(*x));
        *out = F::lower(*total);
        return;
    }
    isa.run(Advance::<F> { totals, x, out });
}

struct Advance<'a, F: Fold> {
    totals: &'a mut [F::Total],
    x: &'a [F::X],
    out: &'a mut [F::X],
}

impl<F: Fold> Loop for Advance<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for ((total, &x), out) in self.totals.iter_mut().zip(self.x).zip(self.out) {
            *total = F::join(*total, F::lift(x));
            *out = F::lower(*total);
        }
    }
}
