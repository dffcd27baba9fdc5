//! Pieces: how work is cut for threads.
//!
//! They depend on the size of the work alone, never on the number of threads, and every piece computes the same
//! numbers whoever runs it: results are the same bits for any number of threads.

use std::ops::Range;

/// Work cut into equal pieces, the last one smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    total: usize,
    length: usize,
}

impl Pieces {
    /// `total` units in pieces of at least `least` and a multiple of `step`. There are some hundreds of pieces at most:
    /// enough to keep many threads evenly busy, and few enough that starting one costs nothing beside its work.
    pub(crate) fn new(total: usize, least: usize, step: usize) -> Pieces {
        const MOST: usize = 256;
        let length = least.max(total.div_ceil(MOST)).max(1);
        Pieces { total, length: length.next_multiple_of(step) }
    }

    /// `total` units in pieces of this length, however many that are: for blocks that must fit a cache.
    pub(crate) fn of(total: usize, length: usize) -> Pieces {
        Pieces { total, length: length.max(1) }
    }

    /// Units of the longest one.
    pub(crate) fn longest(self) -> usize {
        self.length.min(self.total)
    }

    /// How many there are.
    pub(crate) fn count(self) -> usize {
        self.total.div_ceil(self.length)
    }

    /// The units of one.
    pub(crate) fn range(self, piece: usize) -> Range<usize> {
        let start = piece * self.length;
        start..(start + self.length).min(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_once() {
        for (total, least, step) in
            [(0, 10, 1), (1, 10, 1), (10, 10, 1), (11, 10, 1), (1000, 1, 4), (999_999, 64, 64)]
        {
            let pieces = Pieces::new(total, least, step);
            let units: Vec<usize> = (0..pieces.count()).flat_map(|piece| pieces.range(piece)).collect();
            assert!(units.into_iter().eq(0..total), "{pieces:?}");
        }
    }
}
