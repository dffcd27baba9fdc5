//! Maps: a fused program is run block by block. Every instruction is one vectorised loop over a block of a thousand
//! places or so, whose registers stay in the first-level cache: main memory is read once and written once, whatever
//! the length of the program.

use std::ops::Range;

use cornu_ir::plan::{ALIGNMENT, View};

use super::ahead::Streams;
use super::load::load;
use super::{BufferIndex, Buffers, Site, Task};
use crate::pieces::Pieces;
use crate::simd::Isa;
use crate::simd::function::{Block, BlockFn};
use crate::simd::number::Number;
use crate::simd::plain::{Plain, elements, elements_mut};
use crate::simd::table::Held;

/// A program made ready for its buffers.
pub(crate) struct Code {
    /// What is done once, before the first block of a piece: registers that hold the same number at every place.
    pub(super) once: Vec<Action>,
    /// What is done for each block, in order.
    pub(super) each: Vec<Action>,
    /// The buffers that this reads place by place.
    pub(super) streams: Streams,
    /// Where the result of a reduction's head is after each block.
    pub(super) result: Operand,
    /// Registers that need memory, after those whose life is over have been used again.
    pub(super) slots: usize,
    /// Registers that hold one number for all places; they lie after the slots, [`NUMBER`] bytes each.
    pub(super) numbers: usize,
    /// Bytes of one place in a slot.
    pub(super) slot_width: usize,
    /// Places in a block.
    pub(super) block: usize,
    /// How many loads are kept: see [`Kept`].
    pub(super) kept: usize,
    /// Blocks end where this many places do, if it is said: see [`Operand::Row`].
    pub(super) row: Option<usize>,
}

/// A load of rows that are all the same is kept from block to block: what it gives depends only on the place in the
/// row at which a block begins.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// Which of the kept loads it is.
    pub(super) number: usize,
    /// Places of a row.
    pub(super) row: usize,
}

/// What a slot holds: from which place of a row on, and at how many places. Nothing, if it begins at no place.
type Mark = [u64; 2];
const NOTHING: u64 = u64::MAX;

/// Bytes of the widest number.
const NUMBER: usize = 8;

/// What is done with one register of a block.
pub(super) enum Action {
    /// Puts one number into every place.
    Fill { out: Operand, bits: u64 },
    /// Puts one element of a buffer into every place.
    Splat { out: Operand, buffer: BufferIndex, element: usize },
    /// Gathers the elements that a view names.
    Load { out: Operand, buffer: BufferIndex, view: View, kept: Option<Kept> },
    /// Writes each place's coordinate along an axis: `i / stride % size`.
    Count { out: Operand, stride: usize, size: usize, held: Held },
    /// Computes it from other registers.
    Apply { function: BlockFn, out: Operand, args: [Operand; 3] },
}

/// Where one register's block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// Nowhere: an argument that an instruction does not have.
    None,
    /// In scratch memory.
    Slot { number: usize, width: usize },
    /// One number for all places.
    Number { number: usize, width: usize },
    /// In a buffer, place `i` at element `offset + i`.
    Buffer { buffer: BufferIndex, offset: usize, width: usize },
    /// In a buffer, where the same `row` elements from `offset` on belong to the places again and again.
    Row { buffer: BufferIndex, offset: usize, row: usize, width: usize },
    /// In the block of root results that the kernel hands in.
    Root { width: usize },
}

/// The places that a block computes, and what it finds there.
#[derive(Clone, Copy)]
struct Frame<'a> {
    buffers: Buffers<'a>,
    /// As many bytes as `Code::scratch_bytes`, which only this piece uses.
    slots: *mut u8,
    /// Bytes from one slot to the next, and to the numbers.
    slot_bytes: usize,
    /// Where the marks of kept loads lie, and the numbers.
    marks_at: usize,
    numbers_at: usize,
    root: &'a [u8],
    start: usize,
    places: usize,
}

impl Code {
    /// Bytes of scratch memory that running it needs.
    pub(crate) fn scratch_bytes(&self) -> usize {
        (self.numbers_at() + self.numbers * NUMBER).next_multiple_of(ALIGNMENT)
    }

    /// Where the marks of kept loads begin: behind the slots.
    fn marks_at(&self) -> usize {
        self.slots * self.slot_bytes()
    }

    /// Where the numbers begin.
    fn numbers_at(&self) -> usize {
        self.marks_at() + self.kept * size_of::<Mark>()
    }

    /// How many actions there are for each block.
    pub(crate) fn actions(&self) -> usize {
        self.each.len()
    }

    /// The most places of a block.
    pub(crate) fn block(&self) -> usize {
        self.block
    }

    /// How many places make a piece worth handing to another thread: some tens of thousands of operations.
    pub(crate) fn places_per_piece(&self) -> usize {
        (1 << 17) / (2 + self.each.len()).next_power_of_two()
    }

    fn slot_bytes(&self) -> usize {
        (self.block * self.slot_width).next_multiple_of(ALIGNMENT)
    }

    /// Runs the program over `range`, given the root's results there.
    pub(crate) fn run(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        scratch: &mut [u8],
        root: &[u8],
        range: Range<usize>,
    ) {
        self.begin(isa, buffers, scratch);
        self.run_range(isa, buffers, scratch, root, range);
    }

    /// The same after [`Code::begin`].
    pub(crate) fn run_range(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        scratch: &mut [u8],
        root: &[u8],
        range: Range<usize>,
    ) {
        let next = range.end;
        self.run_before(isa, buffers, scratch, root, range, next);
    }

    /// The same where it is known at which place the program will be run next.
    pub(crate) fn run_before(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        scratch: &mut [u8],
        root: &[u8],
        range: Range<usize>,
        next: usize,
    ) {
        let width = root.len() / range.len().max(1);
        let (row, mut start) = (self.row.unwrap_or(usize::MAX), range.start);
        while start < range.end {
            let places = self.block.min(range.end - start).min(row - start % row);
            let root = &root[(start - range.start) * width..][..places * width];
            let following = if start + places < range.end { start + places } else { next };
            self.run_block(isa, buffers, scratch, root, start, places, following);
            start += places;
        }
    }

    /// Fills the registers that do not change. Once per piece, as another piece may have used the scratch memory.
    pub(crate) fn begin(&self, isa: Isa, buffers: Buffers<'_>, scratch: &mut [u8]) {
        let frame = self.frame(buffers, scratch, &[], 0, self.block);
        (0..self.kept).for_each(|number| *frame.mark(number) = [NOTHING; 2]);
        self.once.iter().for_each(|action| action.run(isa, &frame));
    }

    /// Runs one block of at most [`Code::block`] places, after [`Code::begin`] and before that of `next`.
    #[allow(clippy::too_many_arguments)]
    fn run_block(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        scratch: &mut [u8],
        root: &[u8],
        start: usize,
        places: usize,
        next: usize,
    ) {
        assert!(places <= self.block, "a block fits its registers");
        let ends = self.row.is_none_or(|row| start % row + places <= row);
        assert!(ends, "a block ends where a row does");
        let frame = self.frame(buffers, scratch, root, start, places);
        let ahead = self.streams.ahead(buffers, next, places);
        for (number, action) in self.each.iter().enumerate() {
            ahead.ask(number, self.each.len());
            action.run(isa, &frame);
        }
    }

    /// As [`Code::run_block`], for the head of a reduction: its values there.
    pub(crate) fn values<'a, P: Plain>(
        &self,
        isa: Isa,
        buffers: Buffers<'a>,
        scratch: &'a mut [u8],
        start: usize,
        places: usize,
    ) -> &'a [P] {
        self.run_block(isa, buffers, scratch, &[], start, places, start + places);
        let frame = self.frame(buffers, scratch, &[], start, places);
        // SAFETY: a head writes no buffer, and its slots are borrowed for as long as the values are.
        elements(unsafe { frame.bytes(self.result) })
    }

    /// The values of the head of a reduction where they are elements of a buffer: any number of them, uncopied.
    pub(crate) fn values_in_place<'a, P: Plain>(
        &self,
        buffers: Buffers<'a>,
        start: usize,
        places: usize,
    ) -> Option<&'a [P]> {
        let Operand::Buffer { buffer, offset, width } = self.result else { return None };
        let bytes = (offset + start) * width..(offset + start + places) * width;
        // SAFETY: a head writes no buffer, and what its reduction reads nobody writes meanwhile.
        Some(elements(unsafe { buffers.bytes(buffer, bytes) }))
    }

    fn frame<'a>(
        &self,
        buffers: Buffers<'a>,
        scratch: &mut [u8],
        root: &'a [u8],
        start: usize,
        places: usize,
    ) -> Frame<'a> {
        assert!(
            scratch.len() >= self.scratch_bytes(),
            "scratch memory is as large as the largest kernel asks"
        );
        let slots = scratch.as_mut_ptr();
        assert!(slots.cast::<Mark>().is_aligned(), "scratch memory begins at a cache line");
        let (slot_bytes, marks_at, numbers_at) = (self.slot_bytes(), self.marks_at(), self.numbers_at());
        Frame { buffers, slots, slot_bytes, marks_at, numbers_at, root, start, places }
    }
}

impl Action {
    /// What it writes.
    pub(super) fn out(&self) -> Operand {
        match self {
            Action::Fill { out, .. } | Action::Splat { out, .. } | Action::Load { out, .. } => *out,
            Action::Count { out, .. } | Action::Apply { out, .. } => *out,
        }
    }

    /// Does it for one block.
    ///
    /// `assemble` sees to it that no action reads what it writes: the slot it writes is none of those it reads, and a
    /// buffer that the step both reads and writes is written from slots alone, after all that was read at its places.
    fn run(&self, isa: Isa, frame: &Frame<'_>) {
        match self {
            Action::Fill { out, bits } => {
                // SAFETY: the action reads nothing.
                let slot = unsafe { frame.bytes_mut(*out) };
                repeat(&bits.to_le_bytes()[..out.width()], slot);
            }
            Action::Splat { out, buffer, element } => {
                let bytes = element * out.width()..(element + 1) * out.width();
                // SAFETY: a buffer whose elements are read at other places than their own is not written by the step.
                let (from, slot) = unsafe { (frame.buffers.bytes(*buffer, bytes), frame.bytes_mut(*out)) };
                repeat(from, slot);
            }
            Action::Load { out, buffer, view, kept } => {
                if kept.is_some_and(|kept| frame.is_known(kept)) {
                    return;
                }
                // SAFETY: the action reads no slot.
                let slot = unsafe { frame.bytes_mut(*out) };
                match out.width() {
                    1 => load(view, frame.buffers.read::<u8>(*buffer), frame.start, slot),
                    2 => load(view, frame.buffers.read::<u16>(*buffer), frame.start, elements_mut(slot)),
                    4 => load(view, frame.buffers.read::<u32>(*buffer), frame.start, elements_mut(slot)),
                    _ => load(view, frame.buffers.read::<u64>(*buffer), frame.start, elements_mut(slot)),
                }
            }
            Action::Count { out, stride, size, held } => {
                // SAFETY: the action reads nothing.
                let slot = unsafe { frame.bytes_mut(*out) };
                match held {
                    Held::F32 => count::<f32>(frame.start, *stride, *size, elements_mut(slot)),
                    Held::F64 => count::<f64>(frame.start, *stride, *size, elements_mut(slot)),
                    Held::I32 => count::<i32>(frame.start, *stride, *size, elements_mut(slot)),
                    Held::I64 => count::<i64>(frame.start, *stride, *size, elements_mut(slot)),
                    Held::U8 => count::<u8>(frame.start, *stride, *size, slot),
                    Held::U32 => count::<u32>(frame.start, *stride, *size, elements_mut(slot)),
                }
            }
            Action::Apply { function, out, args } => {
                // SAFETY: what is written is none of what is read, as said above.
                let (args, out) = unsafe { (args.map(|arg| frame.bytes(arg)), frame.bytes_mut(*out)) };
                function(isa, Block { out, args });
            }
        }
    }
}

impl Operand {
    /// True if it lies in a buffer that may be written.
    pub(super) fn is_buffer(self) -> bool {
        matches!(self, Operand::Buffer { .. })
    }

    fn width(self) -> usize {
        match self {
            Operand::None => 0,
            Operand::Slot { width, .. } | Operand::Number { width, .. } => width,
            Operand::Buffer { width, .. } | Operand::Row { width, .. } | Operand::Root { width } => width,
        }
    }
}

impl<'a> Frame<'a> {
    /// What a kept load has brought.
    #[allow(clippy::mut_from_ref)]
    fn mark(&self, number: usize) -> &mut Mark {
        // SAFETY: marks lie behind the slots, as `Code::scratch_bytes` counts them and `Code::frame` has checked, at a
        // multiple of a cache line. No two are used at once, and only this piece uses the memory.
        unsafe { &mut *self.slots.add(self.marks_at).cast::<Mark>().add(number) }
    }

    /// True if a kept load has brought what this block needs; else it is noted that it does so now.
    fn is_known(&self, kept: Kept) -> bool {
        let (mark, needed) = (self.mark(kept.number), [(self.start % kept.row) as u64, self.places as u64]);
        let known = mark[0] == needed[0] && mark[1] >= needed[1];
        if !known {
            *mark = needed;
        }
        known
    }

    /// The block of a register, to be read.
    ///
    /// # Safety
    /// Nothing writes the register while the slice is used.
    unsafe fn bytes(&self, operand: Operand) -> &'a [u8] {
        match operand {
            Operand::None => &[],
            Operand::Root { width } => &self.root[..self.places * width],
            // SAFETY: slots lie within `slots`, each with room for a block, as `Code::frame` has checked.
            Operand::Slot { number, width } => unsafe {
                std::slice::from_raw_parts(self.slots.add(number * self.slot_bytes), self.places * width)
            },
            // SAFETY: numbers lie after the slots, as `Code::frame` has checked.
            Operand::Number { number, width } => unsafe {
                std::slice::from_raw_parts(self.slots.add(self.numbers_at + number * NUMBER), width)
            },
            Operand::Buffer { buffer, offset, width } => {
                let start = (offset + self.start) * width;
                // SAFETY: as the caller promises.
                unsafe { self.buffers.bytes(buffer, start..start + self.places * width) }
            }
            Operand::Row { buffer, offset, row, width } => {
                let start = (offset + self.start % row) * width;
                // SAFETY: as the caller promises.
                unsafe { self.buffers.bytes(buffer, start..start + self.places * width) }
            }
        }
    }

    /// The block of a register, to be written.
    ///
    /// # Safety
    /// Nothing else uses the register while the slice is used.
    unsafe fn bytes_mut(&self, operand: Operand) -> &'a mut [u8] {
        match operand {
            Operand::None | Operand::Root { .. } | Operand::Row { .. } => &mut [],
            // SAFETY: as in `bytes`.
            Operand::Slot { number, width } => unsafe {
                std::slice::from_raw_parts_mut(self.slots.add(number * self.slot_bytes), self.places * width)
            },
            // SAFETY: as in `bytes`.
            Operand::Number { number, width } => unsafe {
                std::slice::from_raw_parts_mut(self.slots.add(self.numbers_at + number * NUMBER), width)
            },
            Operand::Buffer { buffer, offset, width } => {
                let start = (offset + self.start) * width;
                // SAFETY: as the caller promises.
                unsafe { self.buffers.bytes_mut(buffer, start..start + self.places * width) }
            }
        }
    }
}

/// Repeats a pattern of bytes.
fn repeat(pattern: &[u8], out: &mut [u8]) {
    out.chunks_exact_mut(pattern.len()).for_each(|out| out.copy_from_slice(pattern));
}

/// `i / stride % size` for consecutive places `i`.
fn count<N: Number>(start: usize, stride: usize, size: usize, out: &mut [N]) {
    let (mut index, mut run) = (start / stride % size, stride - start % stride);
    let mut rest = out;
    if stride == 1 {
        // The runs are those from 0 to the last.
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_mut((size - index).min(rest.len()));
            head.iter_mut().zip(index..).for_each(|(out, index)| *out = N::from_index(index));
            (index, rest) = (0, tail);
        }
        return;
    }
    while !rest.is_empty() {
        let (head, tail) = rest.split_at_mut(run.min(rest.len()));
        head.fill(N::from_index(index));
        (index, run, rest) = ((index + 1) % size, stride, tail);
    }
}

/// A map: its program over every place.
pub(crate) struct MapTask {
    code: Code,
    pieces: Pieces,
}

impl MapTask {
    pub(crate) fn new(code: Code, elements: usize) -> MapTask {
        let pieces = Pieces::new(elements, code.places_per_piece(), ALIGNMENT);
        MapTask { code, pieces }
    }
}

impl Task for MapTask {
    fn pieces(&self) -> usize {
        self.pieces.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.code.scratch_bytes()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        self.code.run(at.isa, at.buffers, at.scratch, &[], self.pieces.range(piece));
    }
}
