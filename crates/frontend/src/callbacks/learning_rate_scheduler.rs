//! LearningRateScheduler: a learning rate for each epoch. Keras: `LearningRateScheduler`.

use super::{Callback, Training};
use crate::error::{Error, Result};
use crate::notice::say;
use crate::training::Logs;

const CLASS: &str = "LearningRateScheduler";

/// Sets the learning rate at the beginning of each epoch to what a function makes of the epoch's number, counted from
/// 0, and of the rate before. Keras: `LearningRateScheduler`.
///
/// The logs get the `learning_rate` of the epoch. For a rate that changes within epochs, give the optimizer a
/// [`crate::optimizers::Schedule`].
///
/// ```
/// use cornu::callbacks::LearningRateScheduler;
///
/// let decay = LearningRateScheduler::new(|epoch, rate| if epoch < 10 { rate } else { rate * 0.9 });
/// ```
pub struct LearningRateScheduler {
    schedule: Box<dyn FnMut(usize, f64) -> f64>,
    verbose: bool,
}

impl LearningRateScheduler {
    /// With this function.
    pub fn new(schedule: impl FnMut(usize, f64) -> f64 + 'static) -> LearningRateScheduler {
        LearningRateScheduler { schedule: Box::new(schedule), verbose: false }
    }

    /// Whether it says what it does.
    pub fn verbose(mut self, verbose: bool) -> LearningRateScheduler {
        self.verbose = verbose;
        self
    }
}

impl Callback for LearningRateScheduler {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        let rate = (self.schedule)(epoch, training.model.learning_rate()?);
        if !rate.is_finite() {
            return Err(Error::config(CLASS, "schedule", rate, "a function that gives finite numbers"));
        }
        training.model.set_learning_rate(rate)?;
        if self.verbose {
            say(&format!("Epoch {}: {CLASS} sets the learning rate to {rate}", epoch + 1));
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, _: usize, logs: &mut Logs) -> Result<()> {
        logs.set("learning_rate", training.model.learning_rate()?);
        Ok(())
    }

    without_batch_logs!();

    fn name(&self) -> &str {
        CLASS
    }
}
