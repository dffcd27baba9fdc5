//! Reading ahead: while a block is computed, the next one is brought into the cache.
//!
//! Each instruction of a block walks along one or two buffers, and most along none. Left to itself, memory stands still
//! while the others compute, and begins anew with each buffer of each block. So before every instruction a share of
//! what the next block reads is asked for.

use super::{BufferIndex, Buffers};

/// Bytes that come at once.
const LINE: usize = 64;

/// The buffers that a program reads place by place. What is only written need not be in the cache before.
#[derive(Default)]
pub(super) struct Streams(Vec<Stream>);

/// Place `i` is at element `offset + i` of a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stream {
    buffer: BufferIndex,
    offset: usize,
    width: usize,
}

/// The block that comes next.
#[derive(Clone, Copy)]
pub(super) struct Ahead<'a> {
    streams: &'a Streams,
    buffers: Buffers<'a>,
    start: usize,
    places: usize,
}

impl Streams {
    /// Adds the buffer in which place `i` is at element `offset + i`.
    pub(super) fn add(&mut self, buffer: BufferIndex, offset: usize, width: usize) {
        let stream = Stream { buffer, offset, width };
        if !self.0.contains(&stream) {
            self.0.push(stream);
        }
    }

    /// What they hold at these places.
    pub(super) fn ahead<'a>(&'a self, buffers: Buffers<'a>, start: usize, places: usize) -> Ahead<'a> {
        Ahead { streams: self, buffers, start, places }
    }
}

impl Ahead<'_> {
    /// Asks for one of so many shares.
    pub(super) fn ask(&self, share: usize, shares: usize) {
        for &Stream { buffer, offset, width } in &self.streams.0 {
            let lines = (self.places * width).div_ceil(LINE);
            let from = self.buffers.spans()[buffer].pointer.wrapping_add((offset + self.start) * width);
            for line in share * lines / shares..(share + 1) * lines / shares {
                prefetch(from.wrapping_add(line * LINE));
            }
        }
    }
}

/// Asks for the line of an address, which need not be one of ours: a hint never fails.
#[inline(always)]
fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is part of every x86-64, and reads nothing as far as the program can tell.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
