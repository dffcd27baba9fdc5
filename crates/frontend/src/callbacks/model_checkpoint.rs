//! ModelCheckpoint: saves the model, always or when it is the best. Keras: `ModelCheckpoint`.

use std::path::Path;

use serde_json::json;

use super::file_name::{self, Number};
use super::monitor::{Monitor, monitored};
use super::save_freq::SaveCounter;
use super::{Callback, CallbackState, SaveFreq, Training};
use crate::error::{Error, Result};
use crate::notice::{say, warn};
use crate::saving::Place;
use crate::training::Logs;

const CLASS: &str = "ModelCheckpoint";

/// Saves the model, or its weights, after each epoch or some batches. Keras: `ModelCheckpoint`.
///
/// The path may hold the epoch, counted from 1, and logs, in Python's form: `"{epoch:02d}-{val_loss:.2f}.keras"`.
/// Its end tells the format: `.keras` or `.h5` for models, `.weights.h5` for weights. A file is complete under its name
/// or not there. To go on where a training was killed, take [`super::BackupAndRestore`].
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    filepath: String,
    monitor: Monitor,
    verbose: bool,
    save_best_only: bool,
    save_weights_only: bool,
    counter: SaveCounter,
    best: Option<f64>,
}

monitored!(ModelCheckpoint);

impl ModelCheckpoint {
    /// Saves the whole model after each epoch.
    pub fn new(filepath: impl Into<String>) -> ModelCheckpoint {
        ModelCheckpoint {
            filepath: filepath.into(),
            monitor: Monitor::new(0.0),
            verbose: false,
            save_best_only: false,
            save_weights_only: false,
            counter: SaveCounter::default(),
            best: None,
        }
    }

    /// Whether it says what it does.
    pub fn verbose(mut self, verbose: bool) -> ModelCheckpoint {
        self.verbose = verbose;
        self
    }

    /// Whether it saves only when the monitored number has improved.
    pub fn save_best_only(mut self, best_only: bool) -> ModelCheckpoint {
        self.save_best_only = best_only;
        self
    }

    /// Whether it saves weights alone.
    pub fn save_weights_only(mut self, weights_only: bool) -> ModelCheckpoint {
        self.save_weights_only = weights_only;
        self
    }

    /// How often: [`SaveFreq::Epoch`], or a number of batches.
    pub fn save_freq(mut self, freq: impl Into<SaveFreq>) -> ModelCheckpoint {
        self.counter = SaveCounter::new(freq.into());
        self
    }

    /// What the first monitored number must be better than.
    pub fn initial_value_threshold(mut self, value: f64) -> ModelCheckpoint {
        self.best = Some(value);
        self
    }

    /// The best number so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    fn check(&self) -> Result<()> {
        let (ends, needed): (&[&str], _) = match self.save_weights_only {
            true => (&[".weights.h5"], "a path that ends in .weights.h5, as save_weights_only is set"),
            false => (&[".keras", ".h5"], "a path that ends in .keras or .h5"),
        };
        match ends.iter().any(|end| self.filepath.ends_with(end)) {
            true => Ok(()),
            false => Err(Error::config(CLASS, "filepath", format!("{:?}", self.filepath), needed)),
        }
    }

    /// Saves if it should, after an epoch or a batch of it.
    fn save(&mut self, training: &mut Training<'_>, batch: Option<usize>, logs: &Logs) -> Result<()> {
        let epoch = training.epoch();
        let path = file_name::fill(CLASS, &self.filepath, |name| match name {
            "epoch" => Some(Number::Whole(epoch + 1)),
            "batch" if logs.get("batch").is_none() => batch.map(|batch| Number::Whole(batch + 1)),
            name => logs.get(name).map(Number::Float),
        })?;
        if !self.is_wanted(training, logs, &path)? {
            return Ok(());
        }
        let path = Path::new(&path);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| Place::file(folder).io("create", e))?;
        }
        match self.save_weights_only {
            true => training.model.save_weights(path),
            false => training.model.save(path),
        }
    }

    fn is_wanted(&mut self, training: &Training<'_>, logs: &Logs, path: &str) -> Result<bool> {
        let mut told = format!("saving to {path}");
        let mut wanted = true;
        if self.save_best_only {
            self.monitor.decide(CLASS, training.model)?;
            let name = &self.monitor.name;
            match logs.get(name) {
                Some(current) if self.monitor.improves(current, self.best) => {
                    let best = self.best.map_or("none".to_string(), |best| format!("{best:.5}"));
                    told = format!("{name} improved from {best} to {current:.5}, {told}");
                    self.best = Some(current);
                }
                Some(_) => {
                    wanted = false;
                    told = format!("{name} did not improve from {:.5}", self.best.unwrap_or(f64::NAN));
                }
                None => warn(&format!("{CLASS} can tell the best only where there is `{name}`: it saves")),
            }
        }
        if self.verbose {
            say(&format!("Epoch {}: {told}", training.epoch() + 1));
        }
        Ok(wanted)
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.check()
    }

    fn on_train_batch_begin(&mut self, training: &mut Training<'_>, _: usize) -> Result<()> {
        self.counter.count(training);
        Ok(())
    }

    fn on_train_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        self.save(training, Some(step), logs)
    }

    fn wants_batch(&mut self, _: usize) -> bool {
        self.counter.is_due()
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, _: usize, logs: &mut Logs) -> Result<()> {
        match self.counter.freq {
            SaveFreq::Epoch => self.save(training, None, logs),
            SaveFreq::Batches(_) => Ok(()),
        }
    }

    fn wants_test_batch(&mut self, _: usize) -> bool {
        false
    }

    fn name(&self) -> &str {
        CLASS
    }

    fn state(&self) -> CallbackState {
        json!({ "best": CallbackState::number(self.best), "batches": self.counter.seen() }).into()
    }

    fn restore(&mut self, _: &mut Training<'_>, state: CallbackState) -> Result<()> {
        self.best = state.get_number("best");
        self.counter.restore(state.get_count("batches"));
        Ok(())
    }
}
