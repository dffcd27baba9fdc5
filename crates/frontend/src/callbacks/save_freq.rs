//! How often something is saved. Keras: `save_freq`.

use super::Training;

/// After each epoch, or after every so many batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveFreq {
    /// After each epoch.
    #[default]
    Epoch,
    /// After every so many batches, counted through all epochs.
    Batches(usize),
}

impl From<usize> for SaveFreq {
    fn from(batches: usize) -> SaveFreq {
        SaveFreq::Batches(batches)
    }
}

/// Counts batches since the last save, each as it begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SaveCounter {
    pub(super) freq: SaveFreq,
    seen: usize,
    is_due: bool,
}

impl SaveCounter {
    pub(super) fn new(freq: SaveFreq) -> SaveCounter {
        SaveCounter { freq, seen: 0, is_due: false }
    }

    /// Counts a batch, or as many as callbacks are told of together.
    pub(super) fn count(&mut self, training: &Training<'_>) {
        let compiled = training.model.compiled.as_ref();
        self.seen += compiled.map_or(1, |compiled| compiled.given.steps_per_execution);
        self.is_due = matches!(self.freq, SaveFreq::Batches(batches) if self.seen >= batches);
        if self.is_due {
            self.seen = 0;
        }
    }

    /// Whether something is to be saved after the batch that was counted last.
    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }

    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    pub(super) fn restore(&mut self, seen: usize) {
        (self.seen, self.is_due) = (seen, false);
    }
}
