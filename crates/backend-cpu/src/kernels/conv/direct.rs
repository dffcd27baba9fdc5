//! Convolution, and its gradient for the input: what the taps meet is multiplied where it lies. Nothing is packed but
//! the kernel.

use std::ops::Range;

use super::super::map::Code;
use super::super::matmul::Layout;
use super::super::panel::{Panel, room};
use super::super::{Site, Task};
use super::left::Left;
use crate::pieces::Pieces;
use crate::simd::gemm::Multiplied;
use crate::simd::pack::Operand;
use crate::simd::plain::elements_mut;
use crate::simd::rows::{RowProduct, Rows};

/// Sums of a block: with what they are made of they fit the second-level cache.
const SUMS: usize = 1 << 14;
/// Columns of a block, and a number of places that is whole tiles of every instruction set.
const COLUMNS: usize = 128;
const ROWS: usize = 12;
/// Numbers of the kernel that stay in the second-level cache for all places of a block; with more of them a block has
/// fewer columns.
const PANEL: usize = 3 << 16;
/// Numbers of the kernel that lie in the first-level cache. A block that reads more of them has at least so many
/// places, so that they are brought less often, where enough blocks for several threads are left.
const NEAR: usize = 1 << 14;
const LEAST_PLACES: usize = 48;
const LEAST_UNITS: usize = 8;
/// Up to so many places are one block, and the kernel, which no other block reads then, is packed by the block, tap by
/// tap for so many columns.
const FEW: usize = 96;
const FEW_COLUMNS: usize = 64;
/// Multiplications that are worth a piece of their own: tens of microseconds.
const GRAIN: usize = 1 << 20;
/// There are to be so many blocks, where the work is enough.
const BLOCKS: usize = 64;

/// Products of what is read at each place with a packed kernel.
pub(super) struct DirectTask<N> {
    pub(super) left: Left,
    /// The kernel: for each group strips of columns.
    pub(super) right: Panel<N>,
    pub(super) groups: usize,
    /// Columns of a group.
    pub(super) columns: usize,
    pub(super) tail: Code,
    pub(super) cut: Cut,
    /// Places of a line, if the rows of a line overlap and are cut at lines.
    pub(super) sliding: Option<usize>,
}

/// How the results are cut into blocks: places by columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    places: Pieces,
    columns: Pieces,
    units: Pieces,
    /// True if a single block of places reads each column of the kernel, which it packs itself.
    pub(super) is_few: bool,
}

impl Cut {
    /// `results` places of `columns` columns for each of `groups`; columns are cut at strips, places where they can be
    /// at the lines of `left`.
    pub(super) fn new(results: usize, columns: usize, groups: usize, left: &Left, strip: usize) -> Cut {
        let depth = left.depth().max(1);
        let is_few = results <= FEW && depth * columns >= PANEL && left.lines().is_none();
        let widest = if is_few { FEW_COLUMNS } else { (PANEL / depth).clamp(1, COLUMNS) };
        let widest = if widest < strip { strip } else { widest / strip * strip };
        let columns = Pieces::of(columns, widest);
        let width = columns.longest().max(1);
        let work = width * depth;
        let wanted = (results * columns.count() * groups * work / GRAIN).clamp(1, BLOCKS);
        let blocks = wanted.div_ceil(columns.count() * groups);
        let are_many = results * columns.count() * groups >= LEAST_UNITS * LEAST_PLACES;
        let least = if work > NEAR && are_many { LEAST_PLACES } else { 1 };
        let most = SUMS / width;
        let step = left.lines().map(|lines| lines.places).filter(|&line| line <= most).unwrap_or(ROWS);
        let places = results.div_ceil(blocks).max(least).next_multiple_of(step).min(most / step * step);
        let places = Pieces::of(results, if is_few { results } else { places });
        let units = places.count() * columns.count() * groups;
        Cut {
            places,
            columns,
            units: Pieces::new(units, GRAIN / (places.longest() * work).max(1), 1),
            is_few,
        }
    }

    /// True if places are cut at lines of so many.
    pub(super) fn is_at(&self, line: usize) -> bool {
        self.places.longest().is_multiple_of(line)
    }
}

impl<N: Multiplied + Operand<Raw = N, Held = N>> Task for DirectTask<N> {
    fn pieces(&self) -> usize {
        self.cut.units.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.rooms().into_iter().sum::<usize>() + self.tail.scratch_bytes()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (isa, buffers) = (at.isa, at.buffers);
        let [found, zeros, packed, sums] = self.rooms();
        let (found, rest) = at.scratch.split_at_mut(found);
        let (zeros, rest) = rest.split_at_mut(zeros);
        let (packed, rest) = rest.split_at_mut(packed);
        let (sums, rest) = rest.split_at_mut(sums);
        let (zeros, sums) = (&mut elements_mut::<N>(zeros)[..self.left.run()], elements_mut::<N>(sums));
        zeros.fill(N::ZERO);
        self.tail.begin(isa, buffers, rest);
        for unit in self.cut.units.range(piece) {
            let (places, group, columns) = self.unit(unit);
            let rows = self.left.find::<N>(isa, buffers, group, places.clone(), found);
            let sums = &mut sums[..places.len() * columns.len()];
            let (run, width) = (self.left.run(), columns.len());
            // As much of the kernel at a time as is packed at a time.
            let together = if self.cut.is_few { 1 } else { self.left.runs() };
            for (part, runs) in rows.runs.chunks(together * places.len()).enumerate() {
                let depth = part * together * run..(part + 1) * together * run;
                let right = self.right.strips(isa, buffers, group, columns.clone(), depth, packed);
                let rows = Rows { runs, ..rows };
                let is_first = part == 0;
                let product = RowProduct { rows, run, zeros, right, columns: width, sums, is_first };
                match self.sliding {
                    Some(line) => N::multiply_sliding(isa, product, line),
                    None => N::multiply_rows(isa, product),
                }
            }
            let layout = Layout { batch: self.columns, row: self.groups * self.columns };
            layout.finish(isa, buffers, &self.tail, group, [places, columns], sums, rest);
        }
    }
}

impl<N: Multiplied + Operand<Raw = N, Held = N>> DirectTask<N> {
    /// Bytes of what is found out about the left operand, a run of zeros, what is packed of the kernel, the sums.
    fn rooms(&self) -> [usize; 4] {
        let (places, columns) = (self.cut.places.longest(), self.cut.columns.longest());
        let (found, packed) = (self.left.scratch_bytes::<N>(places), self.right.scratch_bytes(columns));
        [found, room::<N>(self.left.run()), packed, room::<N>(places * columns)]
    }

    /// Places, group and columns of a block.
    fn unit(&self, unit: usize) -> (Range<usize>, usize, Range<usize>) {
        let Cut { places, columns, .. } = self.cut;
        let (rest, column) = (unit / columns.count(), unit % columns.count());
        (places.range(rest / self.groups), rest % self.groups, columns.range(column))
    }
}
