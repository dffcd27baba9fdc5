//! Arrays as a source: every sample once in a pass, in order or shuffled.

use super::{FeedPosition, Source};
use crate::error::Result;
use crate::model::Model;
use crate::random;
use crate::training::batches::{Dataset, ReadyBatch};

/// Samples in batches of one size; the last of a pass may be smaller.
pub(crate) struct ArraySource<'d> {
    data: &'d Dataset,
    batch_size: usize,
    /// What the orders of samples are drawn from, if they are shuffled.
    seed: Option<u64>,
    order: Vec<usize>,
    next: usize,
}

impl<'d> ArraySource<'d> {
    pub(crate) fn new(data: &'d Dataset, batch_size: usize, seed: Option<u64>) -> ArraySource<'d> {
        ArraySource { data, batch_size, seed, order: Vec::new(), next: 0 }
    }
}

impl Source for ArraySource<'_> {
    fn steps(&self) -> Option<usize> {
        Some(self.data.rows().div_ceil(self.batch_size))
    }

    /// The order of the samples is a function of the seed and the number of the pass alone.
    fn begin(&mut self, at: FeedPosition) -> Result<()> {
        self.order = (0..self.data.rows()).collect();
        if let Some(seed) = self.seed {
            random::shuffle(&mut self.order, random::derive(seed, u64::MAX - at.pass as u64));
        }
        self.next = at.taken;
        Ok(())
    }

    fn next(&mut self, model: &mut Model) -> Result<Option<ReadyBatch>> {
        let Some(rows) = self.order.chunks(self.batch_size).nth(self.next) else { return Ok(None) };
        self.next += 1;
        self.data.gather(rows, &model.built()?.trace.host).map(Some)
    }
}
