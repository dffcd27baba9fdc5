//! Memory of the host: zeroed, aligned, freed when dropped.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::num::NonZero;
use std::ptr::NonNull;

use cornu_ir::error::BackendError;
use cornu_ir::plan::ALIGNMENT;

use crate::NAME;

/// Bytes aligned to a cache line, which is also the widest vector register.
pub(crate) struct Memory {
    pointer: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory is owned, and is reached only through `&self` to read and `&mut self` to write.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// So many zeros, or the error that there is no room for them.
    pub(crate) fn zeroed(bytes: usize) -> Result<Memory, BackendError> {
        let out_of_memory = BackendError::OutOfMemory { backend: NAME, bytes };
        let Ok(layout) = Layout::from_size_align(bytes, ALIGNMENT) else { return Err(out_of_memory) };
        if bytes == 0 {
            return Ok(Memory {
                pointer: NonNull::without_provenance(NonZero::new(ALIGNMENT).expect("not zero")),
                bytes,
            });
        }
        // SAFETY: the layout is not empty, as just checked.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) });
        pointer.map(|pointer| Memory { pointer, bytes }).ok_or(out_of_memory)
    }

    /// What it holds.
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: `bytes` bytes from `pointer` are ours and were set to zero at first.
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr(), self.bytes) }
    }

    /// What it holds, to be overwritten.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` is the only way in.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.as_ptr(), self.bytes) }
    }
}

impl Drop for Memory {
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
        for bytes in [0, 1, 63, 64, 1000] {
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
