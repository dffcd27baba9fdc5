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
use crate::simd::rows::RowProduct;

/// Sums of a block: with what they are made of they fit the second-level cache.
const SUMS: usize = 1 << 14;
/// Columns of a block, and a number of places that is whole tiles of every instruction set.
const COLUMNS: usize = 128;
const ROWS: usize = 12;
/// Multiplications that are worth a piece of their own: tens of microseconds.
const GRAIN: usize = 1 << 20;
/// There are to be so many blocks, where the work is enough.
const BLOCKS: usize = 64;

/// Products of what is read at each place with a kernel that is packed ahead.
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
}

impl Cut {
    /// `results` places of `columns` columns for each of `groups`, each column a sum of `depth` products; columns are
    /// cut at strips, places where they can be at lines of `line`.
    pub(super) fn new(
        results: usize,
        columns: usize,
        groups: usize,
        depth: usize,
        strip: usize,
        line: Option<usize>,
    ) -> Cut {
        let columns = Pieces::of(columns, COLUMNS.next_multiple_of(strip));
        let width = columns.longest().max(1);
        let work = width * depth.max(1);
        let wanted = (results * columns.count() * groups * work / GRAIN).clamp(1, BLOCKS);
        let blocks = wanted.div_ceil(columns.count() * groups);
        let most = SUMS / width;
        let step = line.filter(|&line| line <= most).unwrap_or(ROWS);
        let places = results.div_ceil(blocks).next_multiple_of(step).min(most / step * step);
        let places = Pieces::of(results, places);
        let units = places.count() * columns.count() * groups;
        Cut { places, columns, units: Pieces::new(units, GRAIN / (places.longest() * work).max(1), 1) }
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
        let [found, zeros, sums] = self.rooms();
        let (found, rest) = at.scratch.split_at_mut(found);
        let (zeros, rest) = rest.split_at_mut(zeros);
        let (sums, rest) = rest.split_at_mut(sums);
        let (zeros, sums) = (&mut elements_mut::<N>(zeros)[..self.left.run()], elements_mut::<N>(sums));
        zeros.fill(N::ZERO);
        self.tail.begin(isa, buffers, rest);
        for unit in self.cut.units.range(piece) {
            let (places, group, columns) = self.unit(unit);
            let rows = self.left.find::<N>(isa, buffers, group, places.clone(), found);
            let sums = &mut sums[..places.len() * columns.len()];
            let depth = 0..self.left.depth();
            let right = self.right.strips(isa, buffers, group, columns.clone(), depth, &mut []);
            let (run, width) = (self.left.run(), columns.len());
            let product = RowProduct { rows, run, zeros, right, columns: width, sums, is_first: true };
            match self.sliding {
                Some(line) => N::multiply_sliding(isa, product, line),
                None => N::multiply_rows(isa, product),
            }
            let layout = Layout { batch: self.columns, row: self.groups * self.columns };
            layout.finish(isa, buffers, &self.tail, group, [places, columns], sums, rest);
        }
    }
}

impl<N: Multiplied + Operand<Raw = N, Held = N>> DirectTask<N> {
    /// Bytes of what is found out about the left operand, a run of zeros, the sums.
    fn rooms(&self) -> [usize; 3] {
        let (places, columns) = (self.cut.places.longest(), self.cut.columns.longest());
        [self.left.scratch_bytes::<N>(places), room::<N>(self.left.run()), room::<N>(places * columns)]
    }

    /// Places, group and columns of a block.
    fn unit(&self, unit: usize) -> (Range<usize>, usize, Range<usize>) {
        let Cut { places, columns, .. } = self.cut;
        let (rest, column) = (unit / columns.count(), unit % columns.count());
        (places.range(rest / self.groups), rest % self.groups, columns.range(column))
    }
}
