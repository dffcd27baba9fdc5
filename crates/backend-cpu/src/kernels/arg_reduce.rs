//! Where the largest or smallest element of each line stands.

use std::marker::PhantomData;

use cornu_ir::ops::ArgReduction;

use super::lines::{BAND, Lines};
use super::{BufferIndex, Site, Task};
use crate::simd::number::Number;
use crate::simd::plain::elements_mut;
use crate::simd::table::{Held, numbers};
use crate::simd::{Loop, Target};

/// The index of each line's extreme.
pub(crate) fn arg_reduce(
    kind: ArgReduction,
    held: Held,
    lines: Lines,
    from: BufferIndex,
    to: BufferIndex,
) -> Box<dyn Task> {
    let task = numbers!(held, N => {
        let number = PhantomData::<N>;
        let task: Box<dyn Task> = match kind {
            ArgReduction::Max => Box::new(ArgReduceTask::<N, true> { lines, from, to, number }),
            ArgReduction::Min => Box::new(ArgReduceTask::<N, false> { lines, from, to, number }),
        };
        task
    });
    task.expect("registers hold numbers")
}

struct ArgReduceTask<N, const LARGEST: bool> {
    lines: Lines,
    from: BufferIndex,
    to: BufferIndex,
    number: PhantomData<N>,
}

impl<N: Number, const LARGEST: bool> Task for ArgReduceTask<N, LARGEST> {
    fn pieces(&self) -> usize {
        self.lines.cut().count()
    }

    fn scratch_bytes(&self) -> usize {
        BAND * size_of::<N>()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let best = elements_mut::<N>(at.scratch);
        let from = at.buffers.read::<N>(self.from);
        for band in self.lines.bands(piece) {
            let start = band.outer * self.lines.inner + band.inner;
            // SAFETY: bands are different lines, and each line has one result.
            let places = unsafe { at.buffers.write::<i32>(self.to, start..start + band.width) };
            let best = &mut best[..band.width];
            let row = |i: usize| &from[self.lines.row(band, i)..][..band.width];
            best.copy_from_slice(row(0));
            places.fill(0);
            for i in 1..self.lines.length {
                at.isa.run(Challenge::<N, LARGEST> { best, places, x: row(i), i: i as i32 });
            }
        }
    }
}

/// One row of elements against the best so far.
struct Challenge<'a, N, const LARGEST: bool> {
    best: &'a mut [N],
    places: &'a mut [i32],
    x: &'a [N],
    i: i32,
}

impl<N: Number, const LARGEST: bool> Loop for Challenge<'_, N, LARGEST> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for ((best, place), &x) in self.best.iter_mut().zip(self.places).zip(self.x) {
            let beyond = if LARGEST { x > *best } else { x < *best };
            // The first NaN beats every number, and nothing beats it.
            let wins = beyond | (x.is_nan() & !best.is_nan());
            *best = if wins { x } else { *best };
            *place = if wins { self.i } else { *place };
        }
    }
}
