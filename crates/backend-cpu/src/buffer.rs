//! Memory of the host: zeroed, aligned, given back when dropped.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::num::NonZero;
use std::ptr::NonNull;

use cornu_ir::error::BackendError;
use cornu_ir::plan::ALIGNMENT;
use memmap2::MmapMut;

use crate::NAME;

/// Bytes from which on a block is mapped by itself: so it leaves no hole in the heap when it goes, nor is it kept alive
/// by what lies behind it, and a process holds what its numbers take and hardly more.
const MAPPED: usize = 256 << 10;

/// Bytes aligned to a cache line, which is also the widest vector register.
pub(crate) enum Memory {
    /// Pages of their own.
    Mapped(MmapMut),
    /// A part of the heap.
    Allocated(Block),
}

/// A block of the heap.
pub(crate) struct Block {
    pointer: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory is owned, and is reached only through `&self` to read and `&mut self` to write.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Memory {
    /// So many zeros, or the error that there is no room for them.
    pub(crate) fn zeroed(bytes: usize) -> Result<Memory, BackendError> {
        let memory =
            if bytes >= MAPPED { mapped(bytes) } else { Block::zeroed(bytes).map(Memory::Allocated) };
        memory.ok_or(BackendError::OutOfMemory { backend: NAME, bytes })
    }

    /// What it holds.
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Memory::Mapped(pages) => pages,
            // SAFETY: `bytes` bytes from `pointer` are ours and were set to zero at first.
            Memory::Allocated(Block { pointer, bytes }) => unsafe {
                std::slice::from_raw_parts(pointer.as_ptr(), *bytes)
            },
        }
    }

    /// What it holds, to be overwritten.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        match self {
            Memory::Mapped(pages) => pages,
            // SAFETY: as above, and `&mut self` is the only way in.
            Memory::Allocated(Block { pointer, bytes }) => unsafe {
                std::slice::from_raw_parts_mut(pointer.as_ptr(), *bytes)
            },
        }
    }
}

/// Fresh pages, which are aligned to more than a cache line, and zero.
fn mapped(bytes: usize) -> Option<Memory> {
    // What no allocation can have, no mapping can.
    Layout::from_size_align(bytes, ALIGNMENT).ok()?;
    let pages = MmapMut::map_anon(bytes).ok()?;
    // Large pages, where whole ones fit: then products of matrices miss fewer addresses. It is a wish, no condition.
    #[cfg(target_os = "linux")]
    let _ = pages.advise(memmap2::Advice::HugePage);
    Some(Memory::Mapped(pages))
}

impl Block {
    fn zeroed(bytes: usize) -> Option<Block> {
        if bytes == 0 {
            let pointer = NonNull::without_provenance(NonZero::new(ALIGNMENT).expect("not zero"));
            return Some(Block { pointer, bytes });
        }
        let layout = Layout::from_size_align(bytes, ALIGNMENT).ok()?;
        // SAFETY: the layout is not empty, as just checked.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Block { pointer, bytes })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let (Ok(layout), true) = (Layout::from_size_align(self.bytes, ALIGNMENT), self.bytes > 0) {
            // SAFETY: allocated in `zeroed` with this very layout.
            unsafe { dealloc(self.pointer.as_ptr(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_zero() {
        for bytes in [0, 1, 63, 64, 1000, MAPPED + 1] {
            let mut memory = Memory::zeroed(bytes).unwrap();
            assert_eq!(memory.as_slice(), vec![0; bytes]);
            assert_eq!(memory.as_slice().as_ptr().addr() % ALIGNMENT, 0);
            memory.as_mut_slice().fill(1);
        }
    }

    #[test]
    fn too_much_is_an_error() {
        for bytes in [usize::MAX, isize::MAX as usize - 63] {
            let Err(error) = Memory::zeroed(bytes) else { panic!("{bytes} bytes cannot be had") };
            assert_eq!(error, BackendError::OutOfMemory { backend: NAME, bytes });
        }
    }
}
