//! The gradient of a convolution for its kernel: for each tap the sum over all places of what the tap meets there times
//! the gradient there. Neither is packed.

use std::marker::PhantomData;
use std::ops::Range;

use super::super::panel::{VECTOR, room};
use super::super::{BufferIndex, Buffers, Site, Task};
use super::left::Left;
use crate::pieces::Pieces;
use crate::simd::Isa;
use crate::simd::gemm::Multiplied;
use crate::simd::outer::OuterProduct;
use crate::simd::plain::elements_mut;
use crate::simd::rows::Rows;

/// Numbers of both operands that are read together: they fit the second-level cache.
const OPERANDS: usize = 1 << 16;
/// Places of a part: with fewer, joining the parts would take longer than making them.
const LEAST_PLACES: usize = 1 << 10;
/// Multiplications that are worth a piece of their own: tens of microseconds.
const GRAIN: usize = 1 << 20;
/// There are to be so many units, where the work is enough.
const UNITS: usize = 64;

/// Sums, part by part of the places, in units of one part and some of the runs.
pub(super) struct KernelGradTask<N> {
    pub(super) left: Left,
    /// The gradients of the results, and where the sums go.
    pub(super) right: BufferIndex,
    pub(super) sums: BufferIndex,
    pub(super) groups: usize,
    /// Columns of a group.
    pub(super) columns: usize,
    pub(super) cut: Cut,
    /// Places of a line, if the rows of a line overlap and are cut at lines.
    pub(super) sliding: Option<usize>,
    pub(super) number: PhantomData<N>,
}

/// How the work is cut: places into parts, and the runs at each place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    places: Pieces,
    runs: Pieces,
    units: Pieces,
}

impl Cut {
    /// The sums over `places` places of `left` times `groups` groups of `columns`; places are cut at lines of `line`.
    pub(super) fn new(places: usize, left: &Left, columns: usize, groups: usize, line: usize) -> Cut {
        let kernel = (left.depth() * columns).max(1);
        let work = places.saturating_mul(groups).saturating_mul(kernel);
        let wanted = (work / GRAIN).clamp(1, UNITS);
        let most = (places / LEAST_PLACES).max(1);
        let cached = OPERANDS / (left.depth() / left.runs() + columns).max(1);
        let parts = places.div_ceil(cached.max(1)).max(wanted.div_ceil(groups)).min(most);
        let places = Pieces::of(places, places.div_ceil(parts).max(VECTOR).next_multiple_of(line));
        // Where the places are few, the runs of a place are shared out too.
        let shares = wanted.div_ceil(places.count().max(1) * groups).min(left.runs());
        let runs = Pieces::of(left.runs(), left.runs().div_ceil(shares));
        let units = places.count() * groups * runs.count();
        Cut { places, runs, units: Pieces::new(units, GRAIN / (work / units.max(1)).max(1), 1) }
    }

    /// How many partial sums there are of each result.
    pub(super) fn parts(&self) -> usize {
        self.places.count()
    }
}

impl<N: Multiplied> KernelGradTask<N> {
    /// Bytes of what is found out about the left operand, the right one made whole vectors, the sums of a run.
    fn rooms(&self) -> [usize; 3] {
        let places = self.cut.places.longest();
        let padded = if self.is_whole() { 0 } else { places * self.width() };
        [self.left.scratch_bytes::<N>(places), room::<N>(padded), room::<N>(self.left.run() * self.columns)]
    }

    /// True if the columns of a group are whole vectors.
    fn is_whole(&self) -> bool {
        self.columns.is_multiple_of(VECTOR)
    }

    /// Columns of a group, made whole vectors.
    fn width(&self) -> usize {
        self.columns.next_multiple_of(VECTOR)
    }

    /// The part of the places, the group and the runs of a unit.
    fn unit(&self, unit: usize) -> (usize, usize, Range<usize>) {
        let runs = self.cut.runs.count();
        let (rest, run) = (unit / runs, unit % runs);
        (rest / self.groups, rest % self.groups, self.cut.runs.range(run))
    }
}

impl<N: Multiplied> Task for KernelGradTask<N> {
    fn pieces(&self) -> usize {
        self.cut.units.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.rooms().into_iter().sum()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (isa, buffers) = (at.isa, at.buffers);
        let [found, padded, _] = self.rooms();
        let (found, rest) = at.scratch.split_at_mut(found);
        let (padded, sums) = rest.split_at_mut(padded);
        let sums = &mut elements_mut::<N>(sums)[..self.left.run() * self.columns];
        for unit in self.cut.units.range(piece) {
            let (part, group, runs) = self.unit(unit);
            let places = self.cut.places.range(part);
            let rows = self.left.find::<N>(isa, buffers, group, places.clone(), found);
            let right = self.right(buffers, group, &places, elements_mut(padded));
            self.sum_runs(isa, buffers, [part, group], runs, rows, right, sums);
        }
    }
}

impl<N: Multiplied> KernelGradTask<N> {
    /// The gradients at some places: the elements, from place to place, where they begin.
    fn right<'a>(
        &self,
        buffers: Buffers<'a>,
        group: usize,
        places: &Range<usize>,
        padded: &'a mut [N],
    ) -> (&'a [N], usize, usize) {
        let all = self.groups * self.columns;
        let right = buffers.read::<N>(self.right);
        if self.is_whole() {
            return (right, all, places.start * all + group * self.columns);
        }
        for (place, padded) in places.clone().zip(padded.chunks_exact_mut(self.width())) {
            let (row, rest) = padded.split_at_mut(self.columns);
            row.copy_from_slice(&right[place * all + group * self.columns..][..self.columns]);
            rest.fill(N::ZERO);
        }
        (padded, self.width(), 0)
    }

    /// The sums of some runs over the places of a part.
    #[allow(clippy::too_many_arguments)]
    fn sum_runs(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        [part, group]: [usize; 2],
        runs: Range<usize>,
        rows: Rows<'_, N>,
        (right, right_distance, right_offset): (&[N], usize, usize),
        sums: &mut [N],
    ) {
        let (run, columns, all) = (self.left.run(), self.columns, self.groups * self.columns);
        let results = self.left.depth() * all;
        for number in runs {
            let places = rows.order.len();
            let left = Rows { runs: &rows.runs[number * places..][..places], ..rows };
            let product = OuterProduct {
                left,
                right,
                right_distance,
                right_offset,
                rows: run,
                columns,
                sums,
                is_first: true,
            };
            match self.sliding {
                Some(line) => N::multiply_sliding_outer(isa, product, line),
                None => N::multiply_outer(isa, product),
            }
            for (row, sums) in sums.chunks_exact(columns).enumerate() {
                let start = part * results + (number * run + row) * all + group * columns;
                // SAFETY: every part, group and run has sums of its own.
                let kept = unsafe { buffers.write::<N::Total>(self.sums, start..start + columns) };
                kept.iter_mut().zip(sums).for_each(|(kept, sum)| *kept = sum.lift());
            }
        }
    }
}
