//! Training: what a callback sees of the training in progress.

use crate::checkpoint::CheckpointFolder;
use crate::model::Model;

/// What a callback sees of the training in progress.
pub struct Training<'m> {
    /// The model.
    pub model: &'m mut Model,
    /// Number of the epoch that training ends before, counted from 0.
    pub epochs: usize,
    /// Steps in an epoch, or in what is evaluated or predicted; `None` while a stream has not told.
    pub steps: Option<usize>,
    pub(crate) moment: Moment,
    pub(crate) stopped: bool,
    pub(crate) ending: Option<Ending>,
    /// Where checkpoints are to be written once all callbacks know of this moment.
    pub(crate) saves: Vec<CheckpointFolder>,
}

/// Where a training is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The epoch.
    pub(crate) epoch: usize,
    /// Steps of it that are done.
    pub(crate) step: usize,
    /// Whether this is `fit`, and not `evaluate` or `predict` by itself.
    pub(crate) in_fit: bool,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// After the last epoch.
    Finished,
    /// A callback stopped it.
    Stopped,
    /// From outside: see [`crate::Fit::stop_when`].
    Interrupted,
    /// By an error.
    Failed,
}

impl<'m> Training<'m> {
    pub(crate) fn new(model: &'m mut Model, epochs: usize, steps: Option<usize>) -> Training<'m> {
        let moment = Moment::default();
        Training { model, epochs, steps, moment, stopped: false, ending: None, saves: Vec::new() }
    }

    /// Ends training after this step or epoch.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// True once training was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The epoch, counted from 0.
    pub fn epoch(&self) -> usize {
        self.moment.epoch
    }

    /// How training ended; `None` while it goes on.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Whether this is `fit`, and not `evaluate` or `predict` by itself.
    pub fn is_fit(&self) -> bool {
        self.moment.in_fit
    }

    /// Writes a checkpoint, once all callbacks know of this moment: what they remember belongs to it.
    pub(crate) fn save_checkpoint(&mut self, folder: CheckpointFolder) {
        self.saves.push(folder);
    }
}
