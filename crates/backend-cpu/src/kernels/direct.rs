//! Direct convolutions: what the taps meet is multiplied where it lies. Nothing is gathered or packed but the kernel.

use std::ops::Range;

use cornu_ir::ops::ConvSizes;

use super::map::Code;
use super::matmul::Layout;
use super::panel::{Panel, room};
use super::patches::{Meetings, Taps};
use super::{BufferIndex, Site, Task};
use crate::parallel::Pieces;
use crate::simd::gemm::Float;
use crate::simd::pack::Operand;
use crate::simd::plain::elements_mut;
use crate::simd::rows::RowProduct;
use crate::simd::{Loop, Target};

/// Runs shorter than this cost more to find than to multiply.
const LEAST_RUN: usize = 8;
/// Sums of a block: with what they are made of they fit the second-level cache.
const SUMS: usize = 1 << 14;
/// Columns of a block, and a number of places that is whole tiles of every instruction set.
const COLUMNS: usize = 128;
const ROWS: usize = 12;
/// Multiplications that are worth a piece of their own: tens of microseconds.
const GRAIN: usize = 1 << 20;
/// There are to be so many blocks, where the work is enough.
const BLOCKS: usize = 64;

/// True if a convolution with runs of so many numbers goes this way.
pub(super) fn is_direct(sizes: &ConvSizes, run: usize) -> bool {
    let places = sizes.batch.saturating_mul(sizes.input.elements().max(sizes.places.elements()));
    run >= LEAST_RUN && u32::try_from(places).is_ok_and(|places| places < u32::MAX)
}

/// A convolution, or its gradient for the input, whose kernel is packed ahead.
pub(super) struct DirectTask<N> {
    pub(super) taps: Taps,
    pub(super) from: BufferIndex,
    /// The kernel: for each group strips of columns.
    pub(super) right: Panel<N>,
    pub(super) groups: usize,
    /// Numbers that a tap meets in a group, and columns that they give.
    pub(super) run: usize,
    pub(super) columns: usize,
    pub(super) tail: Code,
    pub(super) cut: Cut,
}

/// How the results are cut into blocks: places by columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    places: Pieces,
    columns: Pieces,
    units: Pieces,
}

impl Cut {
    /// `results` places of `columns` columns for each of `groups`, each column a sum of `depth` products; columns are
    /// cut at strips.
    pub(super) fn new(results: usize, columns: usize, groups: usize, depth: usize, strip: usize) -> Cut {
        let columns = Pieces::of(columns, COLUMNS.next_multiple_of(strip));
        let width = columns.longest().max(1);
        let work = width * depth.max(1);
        let wanted = (results * columns.count() * groups * work / GRAIN).clamp(1, BLOCKS);
        let blocks = wanted.div_ceil(columns.count() * groups);
        let places = results.div_ceil(blocks).next_multiple_of(ROWS).min(SUMS / width / ROWS * ROWS);
        let places = Pieces::of(results, places);
        let units = places.count() * columns.count() * groups;
        Cut { places, columns, units: Pieces::new(units, GRAIN / (places.longest() * work).max(1), 1) }
    }
}

impl<N: Float + Operand<Raw = N, Held = N>> Task for DirectTask<N> {
    fn pieces(&self) -> usize {
        self.cut.units.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.rooms().into_iter().sum::<usize>() + self.tail.scratch_bytes()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (isa, buffers) = (at.isa, at.buffers);
        let [order, elements, cursors, zeros, sums] = self.rooms();
        let (order, rest) = at.scratch.split_at_mut(order);
        let (elements, rest) = rest.split_at_mut(elements);
        let (cursors, rest) = rest.split_at_mut(cursors);
        let (zeros, rest) = rest.split_at_mut(zeros);
        let (sums, rest) = rest.split_at_mut(sums);
        let (order, elements) = (elements_mut::<u32>(order), elements_mut::<u32>(elements));
        let (zeros, sums) = (&mut elements_mut::<N>(zeros)[..self.run], elements_mut::<N>(sums));
        let cursors = &mut elements_mut::<u32>(cursors)[..self.taps.phases()];
        zeros.fill(N::ZERO);
        self.tail.begin(isa, buffers, rest);
        let mut known = None;
        for unit in self.cut.units.range(piece) {
            let (places, group, columns) = self.unit(unit);
            let order = &mut order[..places.len()];
            let elements = &mut elements[..places.len() * self.taps.taps];
            if known != Some(places.start) {
                let meetings = Meetings { order, elements, cursors };
                isa.run(Meet { taps: &self.taps, places: places.clone(), meetings });
                known = Some(places.start);
            }
            let sums = &mut sums[..places.len() * columns.len()];
            let depth = 0..self.taps.taps * self.run;
            let right = self.right.packed(isa, buffers, group, columns.clone(), depth, &mut []);
            N::multiply_rows(
                isa,
                RowProduct {
                    from: buffers.read::<N>(self.from),
                    distance: self.groups * self.run,
                    offset: group * self.run,
                    run: self.run,
                    runs: elements,
                    zeros,
                    right,
                    columns: columns.len(),
                    order,
                    sums,
                },
            );
            let layout = Layout { batch: self.columns, row: self.groups * self.columns };
            layout.finish(isa, buffers, &self.tail, group, [places, columns], sums, rest);
        }
    }
}

impl<N: Float + Operand<Raw = N, Held = N>> DirectTask<N> {
    /// Bytes of the order of places, what the taps meet there, a number for each phase, a run of zeros, the sums.
    fn rooms(&self) -> [usize; 5] {
        let (places, columns) = (self.cut.places.longest(), self.cut.columns.longest());
        [
            room::<u32>(places),
            room::<u32>(places * self.taps.taps),
            room::<u32>(self.taps.phases()),
            room::<N>(self.run),
            room::<N>(places * columns),
        ]
    }

    /// Places, group and columns of a block. Blocks of the same places follow each other.
    fn unit(&self, unit: usize) -> (Range<usize>, usize, Range<usize>) {
        let Cut { places, columns, .. } = self.cut;
        let (rest, column) = (unit / columns.count(), unit % columns.count());
        (places.range(rest / self.groups), rest % self.groups, columns.range(column))
    }
}

/// Finds out what the taps meet.
struct Meet<'a> {
    taps: &'a Taps,
    places: Range<usize>,
    meetings: Meetings<'a>,
}

impl Loop for Meet<'_> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        self.taps.meet(self.places, &mut self.meetings);
    }
}
