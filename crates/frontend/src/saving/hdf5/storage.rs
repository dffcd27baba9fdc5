//! A [`Source`] as the reading library wants it, with a budget on what one operation may read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdf5_reader::error::{Error, Result};
use hdf5_reader::{BlockCacheStorage, Storage, StorageBuffer};

use crate::saving::source::Source;

/// Size and number of the blocks kept at hand: enough for the metadata that neighbours share.
const BLOCK_BYTES: usize = 64 << 10;
const BLOCKS: usize = 64;

/// What every request costs on top of its bytes.
const REQUEST_COST: u64 = 64;

/// Counts what is read, so that indices which lead around in circles end in an error and not in a long wait.
pub(super) struct Metered {
    inner: BlockCacheStorage,
    left: AtomicU64,
    budget: u64,
}

impl Metered {
    pub(super) fn new(source: Source) -> Metered {
        // An honest operation reads each byte of the file about once; metadata may be read a few times.
        let budget = source.len().saturating_mul(16).saturating_add(32 << 20);
        let inner = BlockCacheStorage::new(Arc::new(Plain(source)), BLOCK_BYTES, BLOCKS);
        Metered { inner, left: AtomicU64::new(budget), budget }
    }

    /// A new operation starts.
    pub(super) fn refill(&self) {
        self.left.store(self.budget, Ordering::Relaxed);
    }
}

impl Storage for Metered {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer> {
        let cost = (len as u64).saturating_add(REQUEST_COST);
        let spend = |left: u64| left.checked_sub(cost);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            return Err(Error::ResourceLimit(format!(
                "the work of following {} bytes of structure",
                self.budget
            )));
        }
        self.inner.read_range(offset, len)
    }
}

/// A source without a meter.
struct Plain(Source);

impl Storage for Plain {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer> {
        let available = self.len().saturating_sub(offset);
        if len as u64 > available {
            return Err(Error::UnexpectedEof { offset, needed: len as u64, available });
        }
        let mut buffer = vec![0; len];
        self.0.read_at(offset, &mut buffer)?;
        Ok(StorageBuffer::from_vec(buffer))
    }
}
