//! Windows: their sums, their largest elements and where these stand, row of channels by row of channels.

use std::marker::PhantomData;

use cornu_ir::ops::{WindowKind, Windows};
use cornu_ir::types::Shape;

use super::map::Code;
use super::panel::room;
use super::patches::{PADDING, Taps};
use super::{BufferIndex, Site, Task};
use crate::pieces::Pieces;
use crate::simd::fold::{Fold, Max, Sum};
use crate::simd::number::Number;
use crate::simd::plain::{bytes, elements_mut};
use crate::simd::table::{Held, floats};
use crate::simd::{Loop, Target};

/// Elements that are worth a piece of their own.
const GRAIN: usize = 1 << 15;

/// Windows over a tensor `[n, sizes…, channels]`, of which there are results `[n, places…, channels]`.
pub(crate) struct Pool<'a> {
    pub(crate) windows: &'a Windows,
    pub(crate) input: &'a Shape,
    pub(crate) result: &'a Shape,
}

impl Pool<'_> {
    fn taps(&self, make: impl Fn(&[usize], &[usize]) -> Taps) -> Taps {
        let inner = 1..self.input.rank() - 1;
        make(&self.input[inner.clone()], &self.result[inner])
    }

    fn forward(&self) -> Taps {
        let Windows { sizes, sliding } = self.windows;
        self.taps(|input, places| Taps::forward(sliding, input, sizes, places))
    }

    fn rows(&self, sliding: Taps) -> Rows {
        let (batch, channels) = (self.input[0], self.input[self.input.rank() - 1]);
        let work = sliding.taps * channels;
        Rows { cut: Pieces::new(batch * sliding.places, GRAIN / work.max(1), 1), sliding, channels }
    }
}

/// The sum or the largest element of each window; `None` for other types than floats.
pub(crate) fn window(
    kind: WindowKind,
    pool: &Pool<'_>,
    held: Held,
    from: BufferIndex,
    tail: Code,
) -> Option<Box<dyn Task>> {
    let rows = pool.rows(pool.forward());
    match kind {
        WindowKind::Sum => floats!(held, N => folded::<Sum<N>>(rows, from, tail)),
        WindowKind::Max => floats!(held, N => folded::<Max<N>>(rows, from, tail)),
    }
}

/// For each element of the input the sum of the values of all windows that contain it.
pub(crate) fn window_spread(
    pool: &Pool<'_>,
    held: Held,
    from: BufferIndex,
    tail: Code,
) -> Option<Box<dyn Task>> {
    let Windows { sizes, sliding } = pool.windows;
    let rows = pool.rows(pool.taps(|input, places| Taps::backward(sliding, input, sizes, places)));
    floats!(held, N => folded::<Sum<N>>(rows, from, tail))
}

/// Where the largest element of each window stands.
pub(crate) fn window_arg_max(
    pool: &Pool<'_>,
    held: Held,
    from: BufferIndex,
    to: BufferIndex,
) -> Option<Box<dyn Task>> {
    let rows = pool.rows(pool.forward());
    floats!(held, N => Box::new(ArgMaxTask { rows, from, to, number: PhantomData::<N> }) as Box<dyn Task>)
}

fn folded<F: Fold>(rows: Rows, from: BufferIndex, tail: Code) -> Box<dyn Task> {
    let block = (tail.block() / rows.channels.max(1)).clamp(1, rows.cut.longest().max(1));
    Box::new(WindowTask { rows, block, from, tail, fold: PhantomData::<F> })
}

/// Rows of channels, one for each place.
struct Rows {
    sliding: Taps,
    channels: usize,
    cut: Pieces,
}

impl Rows {
    fn sources_bytes(&self) -> usize {
        room::<u64>(self.sliding.taps)
    }

    /// The elements of the example that a row belongs to.
    fn example<'a, N>(&self, from: &'a [N], row: usize) -> &'a [N] {
        let size = self.sliding.elements * self.channels;
        &from[row / self.sliding.places * size..][..size]
    }
}

struct WindowTask<F: Fold> {
    rows: Rows,
    /// How many rows the tail is given at once.
    block: usize,
    from: BufferIndex,
    tail: Code,
    fold: PhantomData<F>,
}

impl<F: Fold> Task for WindowTask<F> {
    fn pieces(&self) -> usize {
        self.rows.cut.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.rooms().into_iter().sum::<usize>() + self.tail.scratch_bytes()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (channels, [sources, totals, results]) = (self.rows.channels, self.rooms());
        let (sources, rest) = at.scratch.split_at_mut(sources);
        let (totals, rest) = rest.split_at_mut(totals);
        let (results, rest) = rest.split_at_mut(results);
        let (sources, results) = (elements_mut::<u64>(sources), elements_mut::<F::X>(results));
        let totals = &mut elements_mut::<F::Total>(totals)[..channels];
        let from = at.buffers.read::<F::X>(self.from);
        self.tail.begin(at.isa, at.buffers, rest);
        let range = self.rows.cut.range(piece);
        for first in range.clone().step_by(self.block) {
            let last = range.end.min(first + self.block);
            let results = &mut results[..(last - first) * channels];
            for (row, out) in (first..last).zip(results.chunks_exact_mut(channels)) {
                let x = self.rows.example(from, row);
                at.isa.run(WindowRow::<F> { rows: &self.rows, row, x, sources, totals, out });
            }
            let places = first * channels..last * channels;
            self.tail.run_range(at.isa, at.buffers, rest, bytes(results), places);
        }
    }
}

impl<F: Fold> WindowTask<F> {
    /// Bytes of what the taps meet, the totals of a row, the results of a block.
    fn rooms(&self) -> [usize; 3] {
        let channels = self.rows.channels;
        [self.rows.sources_bytes(), room::<F::Total>(channels), room::<F::X>(self.block * channels)]
    }
}

struct WindowRow<'a, F: Fold> {
    rows: &'a Rows,
    row: usize,
    x: &'a [F::X],
    sources: &'a mut [u64],
    totals: &'a mut [F::Total],
    out: &'a mut [F::X],
}

impl<F: Fold> Loop for WindowRow<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Rows { sliding, channels, .. } = self.rows;
        sliding.sources(self.row % sliding.places, self.sources);
        self.totals.fill(F::NOTHING);
        for &source in self.sources[..sliding.taps].iter().filter(|&&source| source != PADDING) {
            let x = &self.x[source as usize * channels..][..*channels];
            for (total, &x) in self.totals.iter_mut().zip(x) {
                *total = F::join(*total, F::lift(x));
            }
        }
        self.out.iter_mut().zip(self.totals).for_each(|(out, total)| *out = F::lower(*total));
    }
}

struct ArgMaxTask<N> {
    rows: Rows,
    from: BufferIndex,
    to: BufferIndex,
    number: PhantomData<N>,
}

impl<N: Number> Task for ArgMaxTask<N> {
    fn pieces(&self) -> usize {
        self.rows.cut.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.rows.sources_bytes() + self.rows.channels * size_of::<N>()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let channels = self.rows.channels;
        let (sources, best) = at.scratch.split_at_mut(self.rows.sources_bytes());
        let (sources, best) = (elements_mut::<u64>(sources), &mut elements_mut::<N>(best)[..channels]);
        let from = at.buffers.read::<N>(self.from);
        for row in self.rows.cut.range(piece) {
            // SAFETY: every row belongs to one piece.
            let out = unsafe { at.buffers.write::<i32>(self.to, row * channels..(row + 1) * channels) };
            let x = self.rows.example(from, row);
            at.isa.run(ArgMaxRow { rows: &self.rows, row, x, sources, best, out });
        }
    }
}

struct ArgMaxRow<'a, N> {
    rows: &'a Rows,
    row: usize,
    x: &'a [N],
    sources: &'a mut [u64],
    best: &'a mut [N],
    out: &'a mut [i32],
}

impl<N: Number> Loop for ArgMaxRow<'_, N> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Rows { sliding, channels, .. } = self.rows;
        sliding.sources(self.row % sliding.places, self.sources);
        self.out.fill(-1);
        for &source in self.sources[..sliding.taps].iter().filter(|&&source| source != PADDING) {
            let start = source as usize * channels;
            let x = &self.x[start..][..*channels];
            for (channel, ((best, out), &x)) in self.best.iter_mut().zip(&mut *self.out).zip(x).enumerate() {
                // The first element wins over nothing, and over what it is not smaller than: only a NaN.
                let wins = *out < 0 || !(best.is_nan() || *best >= x);
                *best = if wins { x } else { *best };
                *out = if wins { (start + channel) as i32 } else { *out };
            }
        }
    }
}
