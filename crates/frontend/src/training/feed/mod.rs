//! Feed: the batches of each epoch, from arrays or from a stream, with a position that can be kept and found again.

mod arrays;
mod background;
mod stream;

pub(crate) use arrays::ArraySource;
pub(crate) use stream::with_stream;

use super::batches::ReadyBatch;
use crate::error::Result;
use crate::model::Model;
use crate::notice::warn;

/// Passes through the data.
pub(crate) trait Source {
    /// The number of batches in a pass, if it is known.
    fn steps(&self) -> Option<usize>;

    /// Begins pass number `at.pass` behind the batches that were taken of it.
    fn begin(&mut self, at: FeedPosition) -> Result<()>;

    /// The next batch of the pass.
    fn next(&mut self, model: &mut Model) -> Result<Option<ReadyBatch>>;
}

/// How far a feed is: everything that a checkpoint needs to know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeedPosition {
    /// The number of the pass.
    pub(crate) pass: usize,
    /// How many of its batches were taken.
    pub(crate) taken: usize,
    /// How many batches were taken in all passes.
    pub(crate) total: usize,
}

/// Deals the batches of a source out to epochs.
pub(crate) struct Feed<'s> {
    source: &'s mut dyn Source,
    /// How many batches an epoch takes, where that is not a pass.
    per_epoch: Option<usize>,
    at: FeedPosition,
    /// Batches that this epoch has taken.
    in_epoch: usize,
    /// Whether the source is in the pass of `at`.
    open: bool,
    /// The epoch that was begun last.
    epoch: Option<usize>,
    /// A batch that was looked at and not taken yet.
    seen: Option<ReadyBatch>,
}

impl<'s> Feed<'s> {
    pub(crate) fn new(source: &'s mut dyn Source, per_epoch: Option<usize>) -> Feed<'s> {
        let at = FeedPosition::default();
        Feed { source, per_epoch, at, in_epoch: 0, open: false, epoch: None, seen: None }
    }

    /// Batches in an epoch, if that is known.
    pub(crate) fn steps(&self) -> Option<usize> {
        match (self.per_epoch, self.source.steps()) {
            (Some(steps), Some(all)) => Some(steps.min(all)),
            (steps, all) => steps.or(all),
        }
    }

    /// Where the next batch will be taken.
    pub(crate) fn position(&self) -> FeedPosition {
        self.at
    }

    /// Goes on within an epoch that had taken `in_epoch` batches when the feed was at `at`.
    pub(crate) fn resume(&mut self, epoch: usize, in_epoch: usize, at: FeedPosition) -> Result<()> {
        (self.epoch, self.in_epoch, self.at) = (Some(epoch), in_epoch, at);
        if in_epoch == 0 {
            // Between two epochs: begin as after the one before.
            (self.epoch, self.open) = (None, false);
            return self.begin(epoch);
        }
        self.open()
    }

    /// Begins an epoch, unless it was begun before.
    pub(crate) fn begin(&mut self, epoch: usize) -> Result<()> {
        if self.epoch == Some(epoch) {
            return Ok(());
        }
        (self.epoch, self.in_epoch) = (Some(epoch), 0);
        if self.per_epoch.is_none() {
            // The order of samples depends on the pass: training that goes on in epoch 7 takes the order of epoch 7.
            self.at = FeedPosition { pass: epoch, taken: 0, total: self.at.total };
        } else if self.source.steps() == Some(self.at.taken) {
            self.close();
        }
        if self.per_epoch.is_none() || !self.open {
            self.open()?;
        }
        Ok(())
    }

    fn open(&mut self) -> Result<()> {
        self.open = true;
        self.seen = None;
        self.source.begin(self.at)
    }

    /// Leaves a pass that is used up.
    fn close(&mut self) {
        (self.open, self.at.pass, self.at.taken) = (false, self.at.pass + 1, 0);
    }

    /// The next batch of the epoch, which stays the next.
    pub(crate) fn peek(&mut self, model: &mut Model) -> Result<Option<&ReadyBatch>> {
        if self.seen.is_none() && self.per_epoch.is_none_or(|steps| self.in_epoch < steps) {
            self.seen = self.fetch(model)?;
        }
        Ok(self.seen.as_ref())
    }

    /// Takes the next batch of the epoch.
    pub(crate) fn next(&mut self, model: &mut Model) -> Result<Option<ReadyBatch>> {
        self.peek(model)?;
        let batch = self.seen.take();
        if batch.is_some() {
            (self.in_epoch, self.at.taken, self.at.total) =
                (self.in_epoch + 1, self.at.taken + 1, self.at.total + 1);
        }
        Ok(batch)
    }

    fn fetch(&mut self, model: &mut Model) -> Result<Option<ReadyBatch>> {
        if !self.open {
            return Ok(None);
        }
        if let Some(batch) = self.source.next(model)? {
            return Ok(Some(batch));
        }
        self.open = false;
        let Some(steps) = self.per_epoch else { return Ok(None) };
        let (fresh, empty) = (self.in_epoch == 0, self.at.taken == 0);
        self.close();
        if fresh && !empty {
            // The epoch before took the last batch of the pass without knowing it.
            self.open()?;
            return self.fetch(model);
        }
        if !fresh {
            let epoch = self.epoch.map_or(1, |epoch| epoch + 1);
            warn(&format!("the data ran out after {} of the {steps} steps of epoch {epoch}", self.in_epoch));
        }
        Ok(None)
    }
}
