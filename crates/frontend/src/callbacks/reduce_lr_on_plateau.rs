//! ReduceLROnPlateau: a smaller learning rate when a number stops getting better. Keras: `ReduceLROnPlateau`.

use serde_json::json;

use super::monitor::{Monitor, monitored};
use super::{Callback, CallbackState, Training};
use crate::error::{Error, Result};
use crate::notice::say;
use crate::training::Logs;

const CLASS: &str = "ReduceLROnPlateau";

/// Reduces the learning rate when a monitored number has stopped improving. Keras: `ReduceLROnPlateau`.
///
/// The logs get the `learning_rate` of the epoch. An optimizer with a schedule is an error: there is no rate to reduce.
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    monitor: Monitor,
    factor: f64,
    patience: usize,
    verbose: bool,
    cooldown: usize,
    min_lr: f64,
    wait: usize,
    /// Epochs until waiting begins again.
    cooling: usize,
    best: Option<f64>,
}

monitored!(ReduceLROnPlateau);

impl Default for ReduceLROnPlateau {
    fn default() -> ReduceLROnPlateau {
        ReduceLROnPlateau::new()
    }
}

impl ReduceLROnPlateau {
    /// Watches "val_loss" and takes a tenth of the learning rate after 10 epochs without an improvement of 1e-4.
    pub fn new() -> ReduceLROnPlateau {
        ReduceLROnPlateau {
            monitor: Monitor::new(1e-4),
            factor: 0.1,
            patience: 10,
            verbose: false,
            cooldown: 0,
            min_lr: 0.0,
            wait: 0,
            cooling: 0,
            best: None,
        }
    }

    /// What the learning rate is multiplied by: less than 1.
    pub fn factor(mut self, factor: f64) -> ReduceLROnPlateau {
        self.factor = factor;
        self
    }

    /// How many epochs without improvement reduce it.
    pub fn patience(mut self, epochs: usize) -> ReduceLROnPlateau {
        self.patience = epochs;
        self
    }

    /// Whether it says what it does.
    pub fn verbose(mut self, verbose: bool) -> ReduceLROnPlateau {
        self.verbose = verbose;
        self
    }

    /// The least change that counts as an improvement.
    pub fn min_delta(mut self, delta: f64) -> ReduceLROnPlateau {
        self.monitor.min_delta = delta;
        self
    }

    /// How many epochs after a reduction are not waited for.
    pub fn cooldown(mut self, epochs: usize) -> ReduceLROnPlateau {
        self.cooldown = epochs;
        self
    }

    /// The least learning rate.
    pub fn min_lr(mut self, rate: f64) -> ReduceLROnPlateau {
        self.min_lr = rate;
        self
    }

    /// Epochs since the last improvement, reduction or cooldown.
    pub fn wait(&self) -> usize {
        self.wait
    }

    /// The best number so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    fn reduce(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        let old = training.model.learning_rate()?;
        if old <= f64::from(self.min_lr as f32) {
            return Ok(());
        }
        let new = (old * self.factor).max(self.min_lr);
        training.model.set_learning_rate(new)?;
        if self.verbose {
            say(&format!("Epoch {}: {CLASS} reduces the learning rate to {new}", epoch + 1));
        }
        (self.cooling, self.wait) = (self.cooldown, 0);
        Ok(())
    }
}

impl Callback for ReduceLROnPlateau {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        if !(0.0..1.0).contains(&self.factor) {
            return Err(Error::config(CLASS, "factor", self.factor, "from 0 to below 1"));
        }
        (self.wait, self.cooling, self.best) = (0, 0, None);
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        self.monitor.decide(CLASS, training.model)?;
        logs.set("learning_rate", training.model.learning_rate()?);
        let Some(current) = self.monitor.find(CLASS, logs) else { return Ok(()) };
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        if self.monitor.improves(current, self.best) {
            (self.best, self.wait) = (Some(current), 0);
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience {
                self.reduce(training, epoch)?;
            }
        }
        Ok(())
    }

    without_batch_logs!();

    fn name(&self) -> &str {
        CLASS
    }

    fn state(&self) -> CallbackState {
        let best = CallbackState::number(self.best);
        json!({ "wait": self.wait, "cooling": self.cooling, "best": best }).into()
    }

    fn restore(&mut self, _: &mut Training<'_>, state: CallbackState) -> Result<()> {
        (self.wait, self.cooling) = (state.get_count("wait"), state.get_count("cooling"));
        self.best = state.get_number("best");
        Ok(())
    }
}
