//! Callbacks: what is told of each moment of training, and may end it.

/// The methods of a callback that reads no logs of single batches, which so stay on the device.
macro_rules! without_batch_logs {
    () => {
        fn wants_batch(&mut self, _: usize) -> bool {
            false
        }

        fn wants_test_batch(&mut self, _: usize) -> bool {
            false
        }
    };
}

mod backup_and_restore;
mod csv_logger;
mod early_stopping;
mod file_name;
mod history;
mod lambda_callback;
mod learning_rate_scheduler;
mod list;
mod model_checkpoint;
mod monitor;
mod progbar_logger;
mod reduce_lr_on_plateau;
#[cfg(feature = "remote-monitor")]
mod remote_monitor;
mod save_freq;
mod shared;
mod swap_ema_weights;
mod tensorboard;
mod terminate_on_nan;
mod training;

use cornu_ir::Tensor;

pub use crate::checkpoint::{CallbackState, Checkpoint};
pub use backup_and_restore::BackupAndRestore;
pub use csv_logger::CSVLogger;
pub use early_stopping::EarlyStopping;
pub use history::History;
pub use lambda_callback::LambdaCallback;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use model_checkpoint::ModelCheckpoint;
pub use monitor::Mode;
pub use progbar_logger::ProgbarLogger;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
#[cfg(feature = "remote-monitor")]
pub use remote_monitor::RemoteMonitor;
pub use save_freq::SaveFreq;
pub use swap_ema_weights::SwapEMAWeights;
pub use tensorboard::TensorBoard;
pub use terminate_on_nan::TerminateOnNaN;
pub use training::{Ending, Training};

pub use crate::training::BadStep;

pub(crate) use list::CallbackList;

use crate::error::Result;
use crate::training::Logs;

/// Told of each moment of `fit`, `evaluate` and `predict`. All methods do nothing unless you write them. Keras:
/// `Callback`.
///
/// A callback may read and change the model, save it, and end training with [`Training::stop`]. An error ends it too.
/// What it remembers between moments it gives out by [`Callback::state`], so that training goes on from a checkpoint as
/// if it had never stopped.
///
/// ```
/// use cornu::callbacks::{Callback, CallbackState, Training};
/// use cornu::{Logs, Result};
///
/// /// Halves the learning rate whenever the loss has risen.
/// struct Careful {
///     last: f64,
/// }
///
/// impl Callback for Careful {
///     fn on_epoch_end(&mut self, training: &mut Training<'_>, _epoch: usize, logs: &mut Logs) -> Result<()> {
///         let loss = logs.get("loss").unwrap_or(f64::INFINITY);
///         if loss > self.last {
///             training.model.set_learning_rate(training.model.learning_rate()? / 2.0)?;
///         }
///         self.last = loss;
///         Ok(())
///     }
///
///     fn wants_batch(&mut self, _step: usize) -> bool {
///         false // the logs of single steps stay on the device
///     }
///
///     fn state(&self) -> CallbackState {
///         CallbackState { values: CallbackState::number(self.last), ..CallbackState::default() }
///     }
///
///     fn restore(&mut self, _training: &mut Training<'_>, state: CallbackState) -> Result<()> {
///         self.last = state.values.as_f64().unwrap_or(f64::INFINITY);
///         Ok(())
///     }
/// }
/// ```
#[allow(unused_variables)]
pub trait Callback {
    /// Before the first epoch.
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// However training ends, an error included: [`Training::ending`] says how.
    fn on_train_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// Before an epoch, counted from 0. Training that goes on inside an epoch tells it again, and then restores the
    /// model and the callbacks.
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        Ok(())
    }

    /// After an epoch and its validation. The logs hold `loss`, the metrics, and each with `val_` before it. What a
    /// callback adds to them, those after it see, and the history keeps.
    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        Ok(())
    }

    /// Before a step of training, counted from 0 in each epoch.
    fn on_train_batch_begin(&mut self, training: &mut Training<'_>, step: usize) -> Result<()> {
        Ok(())
    }

    /// After a step of training. The logs are the running values of the epoch.
    fn on_train_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Before evaluating: by itself, or after an epoch.
    fn on_test_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// After evaluating.
    fn on_test_end(&mut self, training: &mut Training<'_>, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Before a batch of evaluating.
    fn on_test_batch_begin(&mut self, training: &mut Training<'_>, step: usize) -> Result<()> {
        Ok(())
    }

    /// After a batch of evaluating. The logs are the running values.
    fn on_test_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Before predicting.
    fn on_predict_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// After predicting.
    fn on_predict_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// Before a batch of predicting.
    fn on_predict_batch_begin(&mut self, training: &mut Training<'_>, step: usize) -> Result<()> {
        Ok(())
    }

    /// After a batch of predicting, with what the model says to it.
    fn on_predict_batch_end(
        &mut self,
        training: &mut Training<'_>,
        step: usize,
        outputs: &[Tensor],
    ) -> Result<()> {
        Ok(())
    }

    /// After the batch in which training was interrupted: see [`crate::Fit::stop_when`]. The weights are those of this
    /// batch; [`Callback::on_train_end`] comes later and may change them.
    fn on_interrupt(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// Whether steps are to be guarded: one that would write a number that is not finite is not taken, and
    /// [`Callback::on_bad_step`] is told.
    fn guards_steps(&self) -> bool {
        false
    }

    /// After a step that was not taken, as [`Callback::guards_steps`] asks. The model is as it was before it.
    fn on_bad_step(&mut self, training: &mut Training<'_>, bad: &BadStep) -> Result<()> {
        Ok(())
    }

    /// Whether `on_train_batch_end` wants this step's logs. Where nobody does, they stay on the device.
    fn wants_batch(&mut self, step: usize) -> bool {
        true
    }

    /// Whether `on_test_batch_end` wants this step's logs. Where nobody does, they stay on the device.
    fn wants_test_batch(&mut self, step: usize) -> bool {
        true
    }

    /// What it is called in checkpoints.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// What it remembers, for a checkpoint.
    fn state(&self) -> CallbackState {
        CallbackState::default()
    }

    /// Takes on what it remembered, after [`Callback::on_train_begin`] and after the model has.
    fn restore(&mut self, training: &mut Training<'_>, state: CallbackState) -> Result<()> {
        Ok(())
    }

    /// The checkpoint from which training should go on, if it is this callback that knows. Asked before all else.
    fn resume(&mut self) -> Result<Option<Checkpoint>> {
        Ok(None)
    }
}
