//! EarlyStopping: ends training when a number stops getting better. Keras: `EarlyStopping`.

use cornu_ir::Tensor;
use serde_json::json;

use super::monitor::{Monitor, monitored};
use super::{Callback, CallbackState, Training};
use crate::error::{Error, Result};
use crate::notice::say;
use crate::training::Logs;

const CLASS: &str = "EarlyStopping";

/// Stops training when a monitored number has stopped improving. Keras: `EarlyStopping`.
///
/// With [`EarlyStopping::restore_best_weights`], the model has the weights of the best epoch at the end, however
/// training ends: after the last epoch, by any callback, by an interrupt or an error.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: Monitor,
    patience: usize,
    verbose: bool,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    wait: usize,
    stopped_epoch: Option<usize>,
    best: Option<f64>,
    best_epoch: usize,
    best_weights: Option<Vec<Tensor>>,
}

monitored!(EarlyStopping);

impl Default for EarlyStopping {
    fn default() -> EarlyStopping {
        EarlyStopping::new()
    }
}

impl EarlyStopping {
    /// Watches "val_loss" and stops after the first epoch that does not improve it.
    pub fn new() -> EarlyStopping {
        EarlyStopping {
            monitor: Monitor::new(0.0),
            patience: 0,
            verbose: false,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            wait: 0,
            stopped_epoch: None,
            best: None,
            best_epoch: 0,
            best_weights: None,
        }
    }

    /// The least change that counts as an improvement.
    pub fn min_delta(mut self, delta: f64) -> EarlyStopping {
        self.monitor.min_delta = delta;
        self
    }

    /// How many epochs without improvement end training.
    pub fn patience(mut self, epochs: usize) -> EarlyStopping {
        self.patience = epochs;
        self
    }

    /// Whether it says what it does.
    pub fn verbose(mut self, verbose: bool) -> EarlyStopping {
        self.verbose = verbose;
        self
    }

    /// What the number must be better than for an improvement to count.
    pub fn baseline(mut self, baseline: f64) -> EarlyStopping {
        self.baseline = Some(baseline);
        self
    }

    /// Whether the model gets the weights of the best epoch at the end.
    pub fn restore_best_weights(mut self, restore: bool) -> EarlyStopping {
        self.restore_best_weights = restore;
        self
    }

    /// The first epoch that counts, from 0; those before are for warming up.
    pub fn start_from_epoch(mut self, epoch: usize) -> EarlyStopping {
        self.start_from_epoch = epoch;
        self
    }

    /// The epoch after which it stopped training, counted from 0.
    pub fn stopped_epoch(&self) -> Option<usize> {
        self.stopped_epoch
    }

    /// The best number so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    /// The epoch of the best number, counted from 0.
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }

    /// Epochs since the last improvement.
    pub fn wait(&self) -> usize {
        self.wait
    }
}

impl Callback for EarlyStopping {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        (self.wait, self.stopped_epoch) = (0, None);
        (self.best, self.best_epoch, self.best_weights) = (None, 0, None);
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        self.monitor.decide(CLASS, training.model)?;
        let Some(current) = self.monitor.find(CLASS, logs).filter(|_| epoch >= self.start_from_epoch) else {
            return Ok(());
        };
        let improved = self.monitor.improves(current, self.best);
        if self.restore_best_weights && (improved || self.best_weights.is_none()) {
            self.best_weights = Some(training.model.get_weights()?);
            self.best_epoch = epoch;
        }
        self.wait += 1;
        if improved {
            (self.best, self.best_epoch) = (Some(current), epoch);
            if self.baseline.is_none_or(|baseline| self.monitor.improves(current, Some(baseline))) {
                self.wait = 0;
            }
        } else if self.wait >= self.patience && epoch > 0 {
            self.stopped_epoch = Some(epoch);
            training.stop();
        }
        Ok(())
    }

    fn on_train_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        if let Some(epoch) = self.stopped_epoch.filter(|_| self.verbose) {
            say(&format!("Epoch {}: early stopping", epoch + 1));
        }
        if let Some(weights) = self.best_weights.take() {
            if self.verbose {
                say(&format!("Restoring the weights of the best epoch, {}", self.best_epoch + 1));
            }
            training.model.set_weights(&weights)?;
        }
        Ok(())
    }

    without_batch_logs!();

    fn name(&self) -> &str {
        CLASS
    }

    fn state(&self) -> CallbackState {
        let values = json!({
            "wait": self.wait,
            "stopped_epoch": self.stopped_epoch,
            "best": CallbackState::number(self.best),
            "best_epoch": self.best_epoch,
            "has_best_weights": self.best_weights.is_some(),
        });
        CallbackState { values, tensors: self.best_weights.clone().unwrap_or_default() }
    }

    fn restore(&mut self, training: &mut Training<'_>, state: CallbackState) -> Result<()> {
        self.wait = state.get_count("wait");
        self.stopped_epoch = state.values["stopped_epoch"].as_u64().map(|epoch| epoch as usize);
        self.best = state.get_number("best");
        self.best_epoch = state.get_count("best_epoch");
        self.best_weights =
            state.values["has_best_weights"].as_bool().unwrap_or(false).then_some(state.tensors);
        // What does not fit is better told now than at the end of the training.
        let weights = training.model.get_weights()?;
        let fits = self.best_weights.iter().all(|best| {
            best.len() == weights.len() && best.iter().zip(&weights).all(|(best, now)| best.ty() == now.ty())
        });
        if fits {
            Ok(())
        } else {
            Err(Error::Data { what: format!("{CLASS}: the best weights are of another model") })
        }
    }
}
