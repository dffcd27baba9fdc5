//! Wiring: which buffers the loads and stores of a program are.

use smallvec::SmallVec;

use super::BufferIndex;

/// The buffers of a program.
pub(crate) struct Wiring<'a> {
    /// Those that loads name.
    pub(crate) reads: &'a [BufferIndex],
    /// For each of them whether the step writes to its memory.
    pub(crate) overwritten: &'a [bool],
    /// Those that stores write; empty for the head of a reduction, whose result stays in a register.
    pub(crate) writes: &'a [Target],
    /// True if it reads more than stays in caches from step to step, so that it pays to ask for it early.
    pub(crate) is_far: bool,
}

/// A buffer to write.
pub(crate) struct Target {
    pub(crate) buffer: BufferIndex,
    /// The reads of its memory: it may be written only when these are done for a block.
    pub(crate) reads: SmallVec<[usize; 2]>,
}
