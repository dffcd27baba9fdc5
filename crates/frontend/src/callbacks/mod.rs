//! Callbacks: what is told of each moment of training, and may end it.

mod history;
mod progress;

pub use history::History;
pub use progress::Progress;

use crate::error::Result;
use crate::model::Model;
use crate::training::Logs;

/// Told of each moment of `fit`. All methods do nothing unless you write them. Keras: `Callback`.
///
/// A callback may read and change the model, save it, and end training with [`Training::stop`]. An error ends it too.
#[allow(unused_variables)]
pub trait Callback {
    /// Before the first epoch.
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// After the last epoch, or when training was stopped.
    fn on_train_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// Before an epoch, counted from 0.
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        Ok(())
    }

    /// After an epoch and its validation. The logs hold `loss`, the metrics, and each with `val_` before it.
    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// After a step, counted from 0 in each epoch. The logs are the running values of the epoch.
    fn on_train_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Whether `on_train_batch_end` wants this step's logs. Where nobody does, they stay on the device.
    fn wants_batch(&mut self, step: usize) -> bool {
        true
    }
}

/// What a callback sees of the training in progress.
pub struct Training<'m> {
    /// The model.
    pub model: &'m mut Model,
    /// Number of the epoch that training ends before, counted from 1.
    pub epochs: usize,
    /// Steps in an epoch.
    pub steps: usize,
    pub(crate) stopped: bool,
}

impl Training<'_> {
    /// Ends training after this step or epoch.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// True once training was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }
}
