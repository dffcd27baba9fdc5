//! Panels: the operands of products, packed in the order in which the innermost loop reads them.
//!
//! An operand that several tiles use is packed once, ahead of all tiles; one that a single tile uses is packed by that
//! tile, while it is in the cache.

use std::marker::PhantomData;
use std::ops::Range;

use cornu_ir::plan::ALIGNMENT;

use super::{BufferIndex, Buffers, Site, Task};
use crate::parallel::Pieces;
use crate::simd::Isa;
use crate::simd::pack::{Matrix, Operand, pack};

/// The stretch of the summed axis that is packed together: a strip of it fits the first-level cache.
pub(super) const DEPTH: usize = 256;

/// Strips that are packed by one call.
const GROUP: usize = 8;

/// Bytes of scratch memory for so many numbers.
pub(super) fn room<N>(numbers: usize) -> usize {
    (numbers * size_of::<N>()).next_multiple_of(ALIGNMENT)
}

/// One operand of a batch of products, as `rows` rows of `depth` elements.
pub(super) struct Panel<O> {
    from: BufferIndex,
    rows: usize,
    depth: usize,
    /// Elements from row to row, and along a row.
    strides: (usize, usize),
    /// Rows that are packed together.
    strip: usize,
    /// Where it lies packed, if it is packed ahead: stretch after stretch of the summed axis, strip after strip.
    ahead: Option<BufferIndex>,
    operand: PhantomData<O>,
}

impl<O: Operand> Panel<O> {
    pub(super) fn new(
        from: BufferIndex,
        [rows, depth]: [usize; 2],
        strides: (usize, usize),
        strip: usize,
    ) -> Panel<O> {
        Panel { from, rows, depth, strides, strip, ahead: None, operand: PhantomData }
    }

    /// Lets the task that is returned pack it, before any tile asks for it.
    pub(super) fn pack_ahead(
        &mut self,
        batch: usize,
        temporary: &mut dyn FnMut(usize) -> BufferIndex,
    ) -> Box<dyn Task> {
        let to = temporary(batch * self.padded_rows() * self.depth * size_of::<O::Held>());
        let panel = Panel { ahead: None, ..*self };
        self.ahead = Some(to);
        Box::new(PackTask { panel, to, batch })
    }

    /// Bytes of scratch memory that a tile of so many rows needs.
    pub(super) fn scratch_bytes(&self, rows: usize) -> usize {
        let numbers = rows.next_multiple_of(self.strip) * self.depth.min(DEPTH);
        if self.ahead.is_some() { 0 } else { room::<O::Held>(numbers) }
    }

    /// Some rows, from the start of a strip, and one stretch of the summed axis.
    pub(super) fn packed<'a>(
        &self,
        isa: Isa,
        buffers: Buffers<'a>,
        batch: usize,
        rows: Range<usize>,
        depth: Range<usize>,
        scratch: &'a mut [O::Held],
    ) -> &'a [O::Held] {
        if let Some(ahead) = self.ahead {
            return &buffers.read::<O::Held>(ahead)[self.place(batch, rows.start, &depth)..];
        }
        pack::<O>(
            isa,
            self.part(buffers, batch, rows.start, depth.start),
            rows.len(),
            depth.len(),
            self.strip,
            scratch,
        );
        scratch
    }

    fn padded_rows(&self) -> usize {
        self.rows.next_multiple_of(self.strip)
    }

    /// Where a strip is packed ahead.
    fn place(&self, batch: usize, row: usize, depth: &Range<usize>) -> usize {
        (batch * self.depth + depth.start) * self.padded_rows() + row * depth.len()
    }

    /// The matrix in memory, from a row and a place of the summed axis on.
    fn part<'a>(&self, buffers: Buffers<'a>, batch: usize, row: usize, depth: usize) -> Matrix<'a, O::Raw> {
        let start = batch * self.rows * self.depth;
        let whole =
            Matrix { elements: buffers.read(self.from), start, row: self.strides.0, column: self.strides.1 };
        whole.from(row, depth)
    }
}

/// Packs a whole operand.
struct PackTask<O> {
    panel: Panel<O>,
    to: BufferIndex,
    batch: usize,
}

impl<O: Operand> PackTask<O> {
    /// Rows of a group of strips.
    fn group(&self) -> usize {
        self.panel.strip * GROUP
    }

    /// Groups of strips of all stretches of all products.
    fn cut(&self) -> Pieces {
        let Panel { rows, depth, .. } = self.panel;
        let groups = self.batch * depth.div_ceil(DEPTH) * rows.div_ceil(self.group());
        Pieces::new(groups, (1 << 14) / (self.group() * depth.clamp(1, DEPTH)), 1)
    }
}

impl<O: Operand> Task for PackTask<O> {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let panel = &self.panel;
        let (groups, stretches) = (panel.rows.div_ceil(self.group()), panel.depth.div_ceil(DEPTH));
        for unit in self.cut().range(piece) {
            let (rest, row) = (unit / groups, unit % groups * self.group());
            let (batch, start) = (rest / stretches, rest % stretches * DEPTH);
            let depth = start..(start + DEPTH).min(panel.depth);
            let rows = self.group().min(panel.rows - row);
            let (from, place) = (panel.part(at.buffers, batch, row, start), panel.place(batch, row, &depth));
            let end = place + rows.next_multiple_of(panel.strip) * depth.len();
            // SAFETY: every group of strips of every stretch has a place of its own.
            let out = unsafe { at.buffers.write::<O::Held>(self.to, place..end) };
            pack::<O>(at.isa, from, rows, depth.len(), panel.strip, out);
        }
    }
}
