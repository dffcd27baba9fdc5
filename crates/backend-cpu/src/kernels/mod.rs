//! Kernels: each made ready once for its shapes, then run piece by piece.

mod ahead;
pub(crate) mod arg_reduce;
pub(crate) mod assemble;
pub(crate) mod conv;
pub(crate) mod copy;
pub(crate) mod cumulative;
pub(crate) mod depthwise;
pub(crate) mod gather;
pub(crate) mod lines;
mod load;
pub(crate) mod map;
pub(crate) mod matmul;
mod panel;
mod patches;
pub(crate) mod pool;
pub(crate) mod random;
pub(crate) mod reduce;
pub(crate) mod scatter;
pub(crate) mod sort;
pub(crate) mod wiring;

use std::ops::Range;

use crate::simd::Isa;
use crate::simd::plain::{Plain, elements, elements_mut};

/// A kernel, or a phase of one, made ready: a number of pieces that may run in any order and at the same time.
pub(crate) trait Task: Send + Sync {
    /// How many.
    fn pieces(&self) -> usize;

    /// Bytes of scratch memory that a piece needs.
    fn scratch_bytes(&self) -> usize {
        0
    }

    /// Runs one.
    fn run(&self, piece: usize, at: &mut Site<'_>);
}

/// What a piece finds where it runs.
pub(crate) struct Site<'a> {
    /// The instructions of this machine.
    pub(crate) isa: Isa,
    /// Where the plan's buffers lie.
    pub(crate) buffers: Buffers<'a>,
    /// Memory of this thread, at least [`Task::scratch_bytes`]; what it holds is left from other pieces.
    pub(crate) scratch: &'a mut [u8],
}

/// The number of a buffer: its place in the plan's list, or beyond that list for memory between two phases of a kernel.
pub(crate) type BufferIndex = usize;

/// The memory of one buffer during one run.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) pointer: *mut u8,
    pub(crate) bytes: usize,
}

// SAFETY: a span is only an address; `Buffers` says who may use it and when.
unsafe impl Send for Span {}
// SAFETY: as above.
unsafe impl Sync for Span {}

/// Where the buffers lie during one run.
///
/// Lowering has checked that what a step writes shares no memory with what it reads, but for maps and tails that write
/// an element where they alone have read it. So a kernel may take whole buffers that it reads as slices.
#[derive(Clone, Copy)]
pub(crate) struct Buffers<'a> {
    spans: &'a [Span],
}

impl<'a> Buffers<'a> {
    /// The buffers at these places.
    ///
    /// # Safety
    /// Each span is memory that lives for `'a`, is aligned for its elements, and is used by nothing else meanwhile.
    pub(crate) unsafe fn new(spans: &'a [Span]) -> Buffers<'a> {
        Buffers { spans }
    }

    /// Where they lie.
    pub(crate) fn spans(&self) -> &'a [Span] {
        self.spans
    }

    /// All elements of a buffer that the running step reads and does not write.
    pub(crate) fn read<T: Plain>(&self, buffer: BufferIndex) -> &'a [T] {
        let bytes = self.spans[buffer].bytes;
        // SAFETY: the step does not write the buffer, as lowering has checked.
        elements(unsafe { self.bytes(buffer, 0..bytes) })
    }

    /// Some elements of a buffer that the running step writes.
    ///
    /// # Safety
    /// No other piece uses these elements, and this one has no other slice of them.
    pub(crate) unsafe fn write<T: Plain>(&self, buffer: BufferIndex, range: Range<usize>) -> &'a mut [T] {
        // SAFETY: as the caller promises.
        elements_mut(unsafe {
            self.bytes_mut(buffer, range.start * size_of::<T>()..range.end * size_of::<T>())
        })
    }

    /// Some bytes of a buffer.
    ///
    /// # Safety
    /// Nothing writes them while the slice is used.
    pub(crate) unsafe fn bytes(&self, buffer: BufferIndex, range: Range<usize>) -> &'a [u8] {
        let span = self.spans[buffer];
        assert!(range.start <= range.end && range.end <= span.bytes, "a kernel stays within its buffers");
        // SAFETY: within the span, as just checked; unwritten, as the caller promises.
        unsafe { std::slice::from_raw_parts(span.pointer.add(range.start), range.len()) }
    }

    /// Some bytes of a buffer, to be written.
    ///
    /// # Safety
    /// Nothing else uses them while the slice is used.
    pub(crate) unsafe fn bytes_mut(&self, buffer: BufferIndex, range: Range<usize>) -> &'a mut [u8] {
        let span = self.spans[buffer];
        assert!(range.start <= range.end && range.end <= span.bytes, "a kernel stays within its buffers");
        // SAFETY: within the span, as just checked; used by nobody else, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(span.pointer.add(range.start), range.len()) }
    }
}
