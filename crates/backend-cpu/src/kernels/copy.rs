//! Copies: every op that only moves elements is a copy between two strided boxes.

use std::ops::Range;

use super::{BufferIndex, Buffers, Site, Task};
use crate::pieces::Pieces;
use crate::simd::plain::Plain;

/// One axis of a copied box: how many elements, and how far apart they are on either side. Backwards is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) size: usize,
    pub(crate) from: isize,
    pub(crate) to: isize,
}

/// One side of a copy: a buffer, and the element of it that the box begins with.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) buffer: BufferIndex,
    pub(crate) start: usize,
    /// Moves the start by a corner that is known at run time only.
    pub(crate) corner: Option<Corner>,
}

/// A corner read from an `i32` buffer, moved inside where the box would reach outside.
#[derive(Clone, Debug)]
pub(crate) struct Corner {
    pub(crate) starts: BufferIndex,
    /// For each axis the largest coordinate, and the elements between neighbours.
    pub(crate) axes: Vec<(usize, usize)>,
}

impl Side {
    /// A box that begins at a fixed element.
    pub(crate) fn at(buffer: BufferIndex, start: usize) -> Side {
        Side { buffer, start, corner: None }
    }

    fn first(&self, buffers: Buffers<'_>) -> usize {
        self.start + self.corner.as_ref().map_or(0, |corner| corner.offset(buffers))
    }
}

impl Corner {
    fn offset(&self, buffers: Buffers<'_>) -> usize {
        let starts = buffers.read::<i32>(self.starts);
        let inside = |(&start, &(room, stride)): (&i32, &(usize, usize))| {
            usize::try_from(start).unwrap_or(0).min(room) * stride
        };
        starts.iter().zip(&self.axes).map(inside).sum()
    }
}

/// Rows and columns of the part of a box that is copied at a time.
const ROWS: usize = 64;
const COLUMNS: usize = 4096;
/// Columns of a transposed tile: so many cache lines are read from together, and used up before they are forgotten.
const TILE: usize = 16;

/// A copy made ready.
pub(crate) struct CopyTask {
    width: usize,
    from: Side,
    to: Side,
    /// Outermost first.
    outer: Vec<Axis>,
    /// The axis along which the source is consecutive, where the columns are not; or any other.
    row: Axis,
    /// The axis along which the target is consecutive.
    column: Axis,
    units: Pieces,
}

impl CopyTask {
    /// Copies a box with axes in the order of the target, outermost first.
    pub(crate) fn new(width: usize, axes: &[Axis], from: Side, to: Side) -> CopyTask {
        let one = Axis { size: 1, from: 0, to: 0 };
        let mut outer = joined(axes);
        let column = outer.pop().unwrap_or(one);
        let row = match outer.iter().rposition(|axis| axis.from.abs() == 1) {
            Some(place) if column.from != 1 => outer.remove(place),
            _ => outer.pop().unwrap_or(one),
        };
        let boxes: usize = outer.iter().map(|axis| axis.size).product();
        let units = boxes * row.size.div_ceil(ROWS) * column.size.div_ceil(COLUMNS);
        let elements = row.size.min(ROWS) * column.size.min(COLUMNS);
        let units = Pieces::new(units, (1 << 15) / elements.max(1), 1);
        CopyTask { width, from, to, outer, row, column, units }
    }

    fn copy<P: Plain>(&self, piece: usize, buffers: Buffers<'_>) {
        let from = buffers.read::<P>(self.from.buffer);
        let (first_from, first_to) = (self.from.first(buffers), self.to.first(buffers));
        let (row_parts, column_parts) = (self.row.size.div_ceil(ROWS), self.column.size.div_ceil(COLUMNS));
        for unit in self.units.range(piece) {
            let (rest, column_part) = (unit / column_parts, unit % column_parts);
            let (mut rest, row_part) = (rest / row_parts, rest % row_parts);
            let (mut from_start, mut to_start) = (first_from as isize, first_to as isize);
            for axis in self.outer.iter().rev() {
                let coordinate = (rest % axis.size) as isize;
                from_start += coordinate * axis.from;
                to_start += coordinate * axis.to;
                rest /= axis.size;
            }
            let part =
                |part: usize, length: usize, axis: Axis| part * length..((part + 1) * length).min(axis.size);
            let (rows, columns) = (part(row_part, ROWS, self.row), part(column_part, COLUMNS, self.column));
            self.copy_part(from, from_start, buffers, to_start, rows, columns);
        }
    }

    /// Copies some rows and columns.
    fn copy_part<P: Plain>(
        &self,
        from: &[P],
        from_start: isize,
        buffers: Buffers<'_>,
        to_start: isize,
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        let (row, column) = (self.row, self.column);
        let tile = if column.from == 1 || column.to != 1 { columns.len() } else { TILE };
        for start in columns.clone().step_by(tile.max(1)) {
            let columns = start..(start + tile).min(columns.end);
            for i in rows.clone() {
                let source = from_start + i as isize * row.from + columns.start as isize * column.from;
                let target = to_start + i as isize * row.to + columns.start as isize * column.to;
                let span = (columns.len() - 1) * column.to.unsigned_abs() + 1;
                // SAFETY: the target's strides fall from axis to axis, so rows do not reach into each other; and each
                // row and stretch of columns belongs to one piece.
                let to =
                    unsafe { buffers.write::<P>(self.to.buffer, target as usize..target as usize + span) };
                let to = to.iter_mut().step_by(column.to.unsigned_abs().max(1));
                copy_run(from, source, column.from, to);
            }
        }
    }
}

/// Copies elements `from[start + i·stride]`.
fn copy_run<'a, P: Plain>(
    from: &[P],
    start: isize,
    stride: isize,
    to: impl ExactSizeIterator<Item = &'a mut P>,
) {
    let last = start + (to.len() as isize - 1) * stride;
    match stride {
        0 => to.for_each(|to| *to = from[start as usize]),
        1 => to.zip(&from[start as usize..=last as usize]).for_each(|(to, &from)| *to = from),
        2.. => {
            let from = from[start as usize..=last as usize].iter().step_by(stride as usize);
            to.zip(from).for_each(|(to, &from)| *to = from);
        }
        ..0 => {
            let from = from[last as usize..=start as usize].iter().rev().step_by(stride.unsigned_abs());
            to.zip(from).for_each(|(to, &from)| *to = from);
        }
    }
}

/// The axes without those of one element, neighbours joined where one pair of strides describes both.
fn joined(axes: &[Axis]) -> Vec<Axis> {
    let mut joined: Vec<Axis> = Vec::new();
    for &axis in axes.iter().filter(|axis| axis.size != 1) {
        let size = axis.size as isize;
        match joined.last_mut() {
            Some(outer) if outer.from == axis.from * size && outer.to == axis.to * size => {
                *outer = Axis { size: outer.size * axis.size, ..axis };
            }
            _ => joined.push(axis),
        }
    }
    joined
}

impl Task for CopyTask {
    fn pieces(&self) -> usize {
        self.units.count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        match self.width {
            1 => self.copy::<u8>(piece, at.buffers),
            2 => self.copy::<u16>(piece, at.buffers),
            4 => self.copy::<u32>(piece, at.buffers),
            _ => self.copy::<u64>(piece, at.buffers),
        }
    }
}

/// Puts the one element of a buffer into every place of another.
pub(crate) struct FillTask {
    pub(crate) width: usize,
    pub(crate) from: BufferIndex,
    pub(crate) to: BufferIndex,
    pub(crate) elements: usize,
}

impl FillTask {
    fn cut(&self) -> Pieces {
        Pieces::new(self.elements, 1 << 16, 64)
    }

    fn fill<P: Plain>(&self, piece: usize, buffers: Buffers<'_>) {
        let value = buffers.read::<P>(self.from)[0];
        // SAFETY: pieces are different stretches.
        unsafe { buffers.write::<P>(self.to, self.cut().range(piece)) }.fill(value);
    }
}

impl Task for FillTask {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        match self.width {
            1 => self.fill::<u8>(piece, at.buffers),
            2 => self.fill::<u16>(piece, at.buffers),
            4 => self.fill::<u32>(piece, at.buffers),
            _ => self.fill::<u64>(piece, at.buffers),
        }
    }
}

/// Writes fixed bytes to a buffer.
pub(crate) struct ConstantTask {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) to: BufferIndex,
}

impl Task for ConstantTask {
    fn pieces(&self) -> usize {
        1
    }

    fn run(&self, _: usize, at: &mut Site<'_>) {
        // SAFETY: the only piece of the step's only task.
        unsafe { at.buffers.write(self.to, 0..self.bytes.len()) }.copy_from_slice(&self.bytes);
    }
}

/// Applies a block function of one argument to every element: conversions between memory and registers.
pub(crate) struct ConvertTask {
    pub(crate) function: crate::simd::function::BlockFn,
    pub(crate) from: BufferIndex,
    pub(crate) from_width: usize,
    pub(crate) to: BufferIndex,
    pub(crate) to_width: usize,
    pub(crate) elements: usize,
}

impl ConvertTask {
    fn cut(&self) -> Pieces {
        Pieces::new(self.elements, 1 << 15, 64)
    }
}

impl Task for ConvertTask {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let range = self.cut().range(piece);
        let (from, to) = (self.from_width, self.to_width);
        // SAFETY: pieces are different stretches, and the two buffers different memory.
        let (x, out) = unsafe {
            (
                at.buffers.bytes(self.from, range.start * from..range.end * from),
                at.buffers.bytes_mut(self.to, range.start * to..range.end * to),
            )
        };
        (self.function)(at.isa, crate::simd::function::Block { out, args: [x, &[], &[]] });
    }
}
