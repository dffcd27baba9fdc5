//! Panels: the operands of products, packed in the order in which the innermost loop reads them.
//!
//! An operand that several tiles use is packed once, ahead of all tiles; one that a single tile uses is packed by that
//! tile, while it is in the cache.

use std::marker::PhantomData;
use std::ops::Range;

use cornu_ir::plan::ALIGNMENT;

use super::patches::Patches;
use super::{BufferIndex, Buffers, Site, Task};
use crate::pieces::Pieces;
use crate::simd::Isa;
use crate::simd::pack::{Matrix, Operand, pack};
use crate::simd::plain::elements_mut;
use crate::simd::rows::{Rows, Strips};

/// The stretch of the summed axis that is packed together: a strip of it fits the first-level cache.
pub(super) const DEPTH: usize = 256;

/// Strips that are packed by one call.
const GROUP: usize = 8;

/// The most rows of a tile.
pub(super) const MOST_ROWS: usize = 192;

/// Numbers of a vector of every instruction set.
pub(super) const VECTOR: usize = 16;

/// The numbers of the rows of a tile, or of the places of a stretch.
static COUNT: [u32; DEPTH] = {
    let mut count = [0; DEPTH];
    let mut i = 0;
    while i < DEPTH {
        count[i] = i as u32;
        i += 1;
    }
    count
};

/// Bytes of scratch memory for so many numbers.
pub(super) fn room<N>(numbers: usize) -> usize {
    (numbers * size_of::<N>()).next_multiple_of(ALIGNMENT)
}

/// Where the elements of an operand come from.
#[derive(Clone)]
pub(super) enum Source {
    /// Memory: elements from product to product, from row to row, and along a row. One of the latter two is 1.
    Matrix { from: BufferIndex, batch: usize, row: usize, column: usize },
    /// Patches, a product for each group.
    Rows(Patches),
    /// The same matrix turned.
    Columns(Patches),
}

/// One operand of a batch of products, as `rows` rows of `depth` elements.
pub(super) struct Panel<O> {
    source: Source,
    rows: usize,
    depth: usize,
    /// Rows that are packed together.
    strip: usize,
    /// How much of the summed axis is packed together.
    stretch: usize,
    /// True if it is not packed at all.
    is_in_place: bool,
    /// Where it lies packed, if it is packed ahead: stretch after stretch of the summed axis, strip after strip.
    ahead: Option<BufferIndex>,
    operand: PhantomData<O>,
}

impl<O: Operand> Panel<O> {
    pub(super) fn new(source: Source, [rows, depth]: [usize; 2], strip: usize) -> Panel<O> {
        Panel {
            source,
            rows,
            depth,
            strip,
            stretch: DEPTH,
            is_in_place: false,
            ahead: None,
            operand: PhantomData,
        }
    }

    /// Packed in stretches of so much of the summed axis.
    pub(super) fn by(self, stretch: usize) -> Panel<O> {
        Panel { stretch: stretch.max(1), ..self }
    }

    /// Lets the task that is returned pack it, before any tile asks for it. Patches are too large to be kept.
    pub(super) fn pack_ahead(
        &mut self,
        batch: usize,
        temporary: &mut dyn FnMut(usize) -> BufferIndex,
    ) -> Option<Box<dyn Task>> {
        if matches!(self.source, Source::Rows(_) | Source::Columns(_)) {
            return None;
        }
        let panel = Panel { source: self.source.clone(), ..*self };
        let (task, to) = panel.pack_into(batch, temporary);
        self.ahead = Some(to);
        Some(task)
    }

    /// The task that packs it, and where it lies then.
    pub(super) fn pack_into(
        self,
        batch: usize,
        temporary: &mut dyn FnMut(usize) -> BufferIndex,
    ) -> (Box<dyn Task>, BufferIndex) {
        let to = temporary(batch * self.padded_rows() * self.depth * size_of::<O::Held>());
        (Box::new(PackTask { panel: self, to, batch }), to)
    }

    /// The operand where a task has packed it.
    pub(super) fn packed_at(self, to: BufferIndex) -> Panel<O> {
        Panel { ahead: Some(to), ..self }
    }

    /// True if the rows of the operand are read where they lie, and not packed.
    pub(super) fn lies_in_rows(&self) -> bool {
        O::IS_HELD && matches!(self.source, Source::Matrix { column: 1, .. })
    }

    /// Rows that are read where they lie: some of one product, from some place of the summed axis on.
    pub(super) fn rows<'a>(
        &self,
        buffers: Buffers<'a>,
        product: usize,
        rows: &Range<usize>,
        depth: usize,
    ) -> Option<Rows<'a, O::Held>> {
        match self.source {
            Source::Matrix { from, batch, row, column: 1 } if O::IS_HELD => Some(Rows {
                from: buffers.read::<O::Held>(from),
                distance: row,
                offset: product * batch + rows.start * row + depth,
                runs: &COUNT[..rows.len()],
                order: &COUNT[..rows.len()],
            }),
            Source::Matrix { .. } | Source::Rows(_) | Source::Columns(_) => None,
        }
    }

    /// The operand turned, where that lies in rows: for each place of a stretch of the summed axis some neighbours.
    pub(super) fn turned<'a>(
        &self,
        buffers: Buffers<'a>,
        product: usize,
        rows: &Range<usize>,
        depth: &Range<usize>,
    ) -> Option<Rows<'a, O::Held>> {
        match self.source {
            Source::Matrix { from, batch, row: 1, column } if O::IS_HELD => Some(Rows {
                from: buffers.read::<O::Held>(from),
                distance: column,
                offset: product * batch + depth.start * column + rows.start,
                runs: &COUNT[..depth.len()],
                order: &COUNT[..depth.len()],
            }),
            Source::Matrix { .. } | Source::Rows(_) | Source::Columns(_) => None,
        }
    }

    /// Bytes of scratch memory that a tile of so many rows needs.
    pub(super) fn scratch_bytes(&self, rows: usize) -> usize {
        if self.ahead.is_some() || self.is_in_place {
            return 0;
        }
        let depth = self.depth.min(self.stretch);
        let unpacked = match &self.source {
            Source::Matrix { .. } => 0,
            Source::Rows(patches) | Source::Columns(patches) => {
                room::<u64>(patches.taps.taps) + room::<O::Raw>(rows * depth)
            }
        };
        unpacked + room::<O::Held>(rows.next_multiple_of(self.strip) * depth)
    }

    /// Some rows, from the start of a strip, and one stretch of the summed axis.
    pub(super) fn packed<'a>(
        &self,
        isa: Isa,
        buffers: Buffers<'a>,
        batch: usize,
        rows: Range<usize>,
        depth: Range<usize>,
        scratch: &'a mut [u8],
    ) -> &'a [O::Held] {
        if let Some(ahead) = self.ahead {
            return &buffers.read::<O::Held>(ahead)[self.place(batch, rows.start, &depth)..];
        }
        let padded = rows.len().next_multiple_of(self.strip);
        let (packed, unpacked) = scratch.split_at_mut(room::<O::Held>(padded * depth.len()));
        let packed = elements_mut(packed);
        let part = self.part(isa, buffers, batch, [rows.clone(), depth.clone()], unpacked);
        pack::<O>(isa, part, rows.len(), depth.len(), self.strip, packed);
        packed
    }

    /// The same as strips that rows are multiplied with; where they lie, if that was asked for.
    pub(super) fn strips<'a>(
        &self,
        isa: Isa,
        buffers: Buffers<'a>,
        product: usize,
        columns: Range<usize>,
        depth: Range<usize>,
        scratch: &'a mut [u8],
    ) -> Strips<'a, O::Held> {
        if let (true, &Source::Matrix { from, batch, column, .. }) = (self.is_in_place, &self.source) {
            let start = product * batch + depth.start * column + columns.start;
            return Strips { from: &buffers.read::<O::Held>(from)[start..], strip: self.strip, row: column };
        }
        let strip = self.strip * depth.len();
        let from = self.packed(isa, buffers, product, columns, depth, scratch);
        Strips { from, strip, row: self.strip }
    }

    /// Lets the operand be read where it lies, if it can be: whole vectors of its rows are neighbours.
    pub(super) fn leave_in_place(&mut self) {
        self.is_in_place = self.lies_in_columns();
    }

    /// True if it is read where it lies.
    pub(super) fn is_in_place(&self) -> bool {
        self.is_in_place
    }

    /// True if whole vectors of rows are neighbours in memory, for each place of the summed axis.
    pub(super) fn lies_in_columns(&self) -> bool {
        self.is_turned() && self.rows.is_multiple_of(VECTOR)
    }

    /// True if the operand lies turned, and may be read so.
    pub(super) fn is_turned(&self) -> bool {
        O::IS_HELD && matches!(self.source, Source::Matrix { row: 1, .. })
    }

    fn padded_rows(&self) -> usize {
        self.rows.next_multiple_of(self.strip)
    }

    /// Where a strip is packed ahead.
    fn place(&self, batch: usize, row: usize, depth: &Range<usize>) -> usize {
        (batch * self.depth + depth.start) * self.padded_rows() + row * depth.len()
    }

    /// Some rows and a stretch of the summed axis as they lie in memory; patches are brought there first.
    fn part<'a>(
        &self,
        isa: Isa,
        buffers: Buffers<'a>,
        product: usize,
        [rows, depth]: [Range<usize>; 2],
        mut unpacked: &'a mut [u8],
    ) -> Matrix<'a, O::Raw> {
        let mut gathered = |patches: &Patches, [rows, columns]: [Range<usize>; 2]| {
            let (sources, out) = std::mem::take(&mut unpacked).split_at_mut(room::<u64>(patches.taps.taps));
            let out = elements_mut::<O::Raw>(out);
            patches.write(isa, buffers, product, [rows, columns], elements_mut(sources), out);
            &*out
        };
        match &self.source {
            &Source::Matrix { from, batch, row, column } => {
                let whole = Matrix { elements: buffers.read(from), start: product * batch, row, column };
                whole.from(rows.start, depth.start)
            }
            Source::Rows(patches) => {
                let row = depth.len();
                Matrix { elements: gathered(patches, [rows, depth]), start: 0, row, column: 1 }
            }
            Source::Columns(patches) => {
                let column = rows.len();
                Matrix { elements: gathered(patches, [depth, rows]), start: 0, row: 1, column }
            }
        }
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
        let Panel { rows, depth, stretch, .. } = &self.panel;
        let groups = self.batch * depth.div_ceil(*stretch) * rows.div_ceil(self.group());
        Pieces::new(groups, (1 << 14) / (self.group() * (*depth).clamp(1, *stretch)), 1)
    }
}

impl<O: Operand> Task for PackTask<O> {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let panel = &self.panel;
        let (groups, stretches) = (panel.rows.div_ceil(self.group()), panel.depth.div_ceil(panel.stretch));
        for unit in self.cut().range(piece) {
            let (rest, row) = (unit / groups, unit % groups * self.group());
            let (batch, start) = (rest / stretches, rest % stretches * panel.stretch);
            let depth = start..(start + panel.stretch).min(panel.depth);
            let rows = self.group().min(panel.rows - row);
            let part = [row..row + rows, depth.clone()];
            let from = panel.part(at.isa, at.buffers, batch, part, &mut []);
            let place = panel.place(batch, row, &depth);
            let end = place + rows.next_multiple_of(panel.strip) * depth.len();
            // SAFETY: every group of strips of every stretch has a place of its own.
            let out = unsafe { at.buffers.write::<O::Held>(self.to, place..end) };
            pack::<O>(at.isa, from, rows, depth.len(), panel.strip, out);
        }
    }
}
