//! Threads: how work is cut into pieces, and who runs them.
//!
//! Pieces depend on the size of the work alone, never on the number of threads, and every piece computes the same
//! numbers whoever runs it: results are the same bits for any number of threads.

use std::ops::Range;

use cornu_ir::error::BackendError;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::NAME;

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

/// The threads of a backend. With one thread there are none but the caller's.
pub(crate) struct Team {
    pool: Option<ThreadPool>,
}

impl Team {
    pub(crate) fn new(threads: usize) -> Result<Team, BackendError> {
        if threads <= 1 {
            return Ok(Team { pool: None });
        }
        let builder =
            ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("cornu-{index}"));
        let pool = builder
            .build()
            .map_err(|error| BackendError::Device { backend: NAME, reason: error.to_string() })?;
        Ok(Team { pool: Some(pool) })
    }

    /// How many threads run pieces.
    pub(crate) fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, ThreadPool::current_num_threads)
    }

    /// Runs `work` where [`Team::each`] can share it out. Entering costs some microseconds: do it once a run.
    pub(crate) fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Runs all pieces of one kernel, each with the number of the thread that runs it: below [`Team::threads`], and
    /// never the same for two pieces at once. Outside [`Team::enter`] they run one after another.
    pub(crate) fn each(&self, pieces: usize, run: &(impl Fn(usize, usize) + Sync)) {
        match self.thread() {
            Some(_) => self.halve(0..pieces, run),
            None => (0..pieces).for_each(|piece| run(piece, 0)),
        }
    }

    /// Halves the pieces until one is left; idle threads take the second halves.
    fn halve(&self, pieces: Range<usize>, run: &(impl Fn(usize, usize) + Sync)) {
        match pieces.len() {
            0 => {}
            1 => run(pieces.start, self.thread().expect("pieces run in the pool that was entered")),
            n => {
                let middle = pieces.start + n / 2;
                let (first, second) = (pieces.start..middle, middle..pieces.end);
                rayon::join(|| self.halve(first, run), || self.halve(second, run));
            }
        }
    }

    /// The number of the current thread, if it is one of this team's.
    fn thread(&self) -> Option<usize> {
        self.pool.as_ref().and_then(ThreadPool::current_thread_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

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

    #[test]
    fn every_piece_runs_once_on_any_number_of_threads() {
        for threads in [1, 2, 3, 7] {
            let team = Team::new(threads).unwrap();
            let ran = Mutex::new(vec![0; 100]);
            team.enter(|| {
                team.each(100, &|piece, thread| {
                    assert!(thread < threads);
                    ran.lock().unwrap()[piece] += 1;
                });
            });
            assert_eq!(ran.into_inner().unwrap(), vec![1; 100]);
        }
    }
}
