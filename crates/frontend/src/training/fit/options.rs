//! Options: what `fit` takes beside the data.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::validation::{Validation, ValidationData, ValidationFreq};
use crate::callbacks::{Callback, CallbackList, ProgbarLogger};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::training::class_weight::ClassWeight;
use crate::training::stream::Batches;
use crate::training::{Dataset, IntoTensors, Tensors};

/// How much `fit` says on standard error. Keras: `verbose`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbose {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// Nothing.
    Silent,
    /// A bar.
    Bar,
    /// One line for each epoch.
    Lines,
    /// One line for each epoch, and at the end where the time went: into data, steps, validation, callbacks.
    Profile,
}

/// How to train: what Keras's `fit` takes beside the data, with Keras's defaults.
///
/// ```
/// use cornu::Fit;
/// use cornu::callbacks::{EarlyStopping, ReduceLROnPlateau};
///
/// let how = Fit::new()
///     .epochs(20)
///     .batch_size(128)
///     .validation_split(0.2)
///     .callback(ReduceLROnPlateau::new().patience(3))
///     .callback(EarlyStopping::new().patience(8).restore_best_weights(true));
/// ```
pub struct Fit {
    pub(crate) epochs: usize,
    pub(crate) initial_epoch: usize,
    pub(crate) batch_size: Option<usize>,
    pub(crate) steps_per_epoch: Option<usize>,
    pub(crate) shuffle: bool,
    validation_split: f64,
    validation_data: Option<ValidationData>,
    validation_freq: ValidationFreq,
    validation_steps: Option<usize>,
    validation_batch_size: Option<usize>,
    pub(crate) sample_weight: Option<Tensors>,
    pub(crate) class_weight: ClassWeight,
    pub(crate) verbose: Verbose,
    pub(crate) callbacks: CallbackList,
    pub(crate) interrupts: Vec<Arc<AtomicBool>>,
    pub(crate) ctrl_c: bool,
}

impl Default for Fit {
    fn default() -> Fit {
        Fit::new()
    }
}

impl Fit {
    /// One epoch in shuffled batches of 32.
    pub fn new() -> Fit {
        Fit {
            epochs: 1,
            initial_epoch: 0,
            batch_size: None,
            steps_per_epoch: None,
            shuffle: true,
            validation_split: 0.0,
            validation_data: None,
            validation_freq: ValidationFreq::Every(1),
            validation_steps: None,
            validation_batch_size: None,
            sample_weight: None,
            class_weight: ClassWeight::default(),
            verbose: Verbose::Auto,
            callbacks: CallbackList::default(),
            interrupts: Vec::new(),
            ctrl_c: false,
        }
    }

    /// Number of the epoch to end before: with `initial_epoch` 0 the number of epochs.
    pub fn epochs(mut self, epochs: usize) -> Fit {
        self.epochs = epochs;
        self
    }

    /// Number of the first epoch, counted from 0: where an earlier training ended.
    pub fn initial_epoch(mut self, epoch: usize) -> Fit {
        self.initial_epoch = epoch;
        self
    }

    /// Samples in a step: 32 unless said otherwise. The last batch of an epoch may be smaller.
    pub fn batch_size(mut self, size: usize) -> Fit {
        self.batch_size = Some(size);
        self
    }

    /// Steps in an epoch, where that is not a pass through the data: the next epoch goes on where this one stopped.
    pub fn steps_per_epoch(mut self, steps: usize) -> Fit {
        self.steps_per_epoch = Some(steps);
        self
    }

    /// Whether each epoch takes the samples in a new random order. Streams come in their own.
    pub fn shuffle(mut self, shuffle: bool) -> Fit {
        self.shuffle = shuffle;
        self
    }

    /// Keeps the last share of the samples, taken before shuffling, to evaluate on after each epoch.
    pub fn validation_split(mut self, share: f64) -> Fit {
        self.validation_split = share;
        self
    }

    /// Other samples to evaluate on after each epoch.
    pub fn validation_data(mut self, x: impl IntoTensors, y: impl IntoTensors) -> Fit {
        self.validation_data =
            Some(ValidationData::Arrays { x: x.into_tensors(), y: y.into_tensors(), weights: None });
        self
    }

    /// [`Fit::validation_data`] with how much each sample counts.
    pub fn weighted_validation_data(
        mut self,
        x: impl IntoTensors,
        y: impl IntoTensors,
        weights: impl IntoTensors,
    ) -> Fit {
        let weights = Some(weights.into_tensors());
        self.validation_data =
            Some(ValidationData::Arrays { x: x.into_tensors(), y: y.into_tensors(), weights });
        self
    }

    /// Batches to evaluate on after each epoch: a pass, or as many as [`Fit::validation_steps`] says.
    pub fn validation_batches(mut self, batches: impl Batches + 'static) -> Fit {
        self.validation_data = Some(ValidationData::Stream(Box::new(batches)));
        self
    }

    /// After which epochs to evaluate: after every so many, or after those listed, counted from 1.
    pub fn validation_freq(mut self, freq: impl Into<ValidationFreq>) -> Fit {
        self.validation_freq = freq.into();
        self
    }

    /// How many batches to evaluate on, from the first: all of them unless said otherwise.
    pub fn validation_steps(mut self, steps: usize) -> Fit {
        self.validation_steps = Some(steps);
        self
    }

    /// Samples in a step of evaluating: as many as in one of training unless said otherwise.
    pub fn validation_batch_size(mut self, size: usize) -> Fit {
        self.validation_batch_size = Some(size);
        self
    }

    /// How much each sample counts in the loss: one array for all outputs, or one for each, in order or by name.
    pub fn sample_weight(mut self, weights: impl IntoTensors) -> Fit {
        self.sample_weight = Some(weights.into_tensors());
        self
    }

    /// How much the samples of each class count in the loss; 1 for classes that are not listed.
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (i64, f64)>) -> Fit {
        self.class_weight = ClassWeight(weights.into_iter().collect());
        self
    }

    /// How much is shown.
    pub fn verbose(mut self, verbose: Verbose) -> Fit {
        self.verbose = verbose;
        self
    }

    /// Adds a callback. They are told of each moment in the order in which they were added.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Fit {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Stops after the batch in which this becomes true, as an interrupt: callbacks save and restore what they were
    /// asked to, the epoch is not counted, and `fit` returns the history with [`crate::History::interrupted`] set.
    pub fn stop_when(mut self, flag: Arc<AtomicBool>) -> Fit {
        self.interrupts.push(flag);
        self
    }

    /// Stops after the batch in which Ctrl-C is pressed, as [`Fit::stop_when`] does. A second Ctrl-C ends the process.
    ///
    /// A library does not take a signal away from its program unasked: without this, Ctrl-C ends the process as ever.
    /// The signal (SIGINT) is answered during `fit` alone; afterwards Ctrl-C ends the process again.
    pub fn stop_on_ctrl_c(mut self, stop: bool) -> Fit {
        self.ctrl_c = stop;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let counts = [
            ("batch_size", self.batch_size),
            ("steps_per_epoch", self.steps_per_epoch),
            ("validation_steps", self.validation_steps),
            ("validation_batch_size", self.validation_batch_size),
        ];
        if let Some((key, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
            return Err(Error::config("fit", key, 0, "1 or more"));
        }
        if !(0.0..1.0).contains(&self.validation_split) {
            let needed = "a share from 0 to below 1";
            return Err(Error::config("fit", "validation_split", self.validation_split, needed));
        }
        self.validation_freq.check()
    }

    /// What a stream has no use for is a mistake.
    pub(super) fn check_for_batches(&self) -> Result<()> {
        let needed = "left out for a stream of batches, which brings its own";
        if let Some(size) = self.batch_size {
            return Err(Error::config("fit", "batch_size", size, needed));
        }
        if self.sample_weight.is_some() {
            return Err(Error::config("fit", "sample_weight", "an array", needed));
        }
        if self.validation_split > 0.0 {
            let needed = "left out for a stream of batches; give `validation_data` or `validation_batches`";
            return Err(Error::config("fit", "validation_split", self.validation_split, needed));
        }
        Ok(())
    }

    /// Samples in a step: with a number of steps, what makes that many.
    pub(super) fn batch_size_for(&self, rows: usize) -> usize {
        self.batch_size.or(self.steps_per_epoch.map(|steps| rows.div_ceil(steps))).unwrap_or(32)
    }

    /// The samples to train on, and those kept for validation.
    pub(super) fn split(&self, all: Dataset) -> Result<(Dataset, Option<Dataset>)> {
        if self.validation_data.is_some() || self.validation_split == 0.0 {
            return Ok((all, None));
        }
        let rows = all.rows();
        let at = (rows as f64 * (1.0 - self.validation_split)).floor() as usize;
        if at == 0 || at == rows {
            let what =
                format!("validation_split {} of {rows} samples leaves one part empty", self.validation_split);
            return Err(Error::Data { what });
        }
        let (train, kept) = all.split_at(at);
        Ok((train, Some(kept)))
    }

    /// What to evaluate on, and the rest of this.
    pub(super) fn validation(
        mut self,
        model: &mut Model,
        kept: Option<Dataset>,
        batch_size: usize,
    ) -> Result<(Option<Validation>, Fit)> {
        let data = match (self.validation_data.take(), kept) {
            (Some(data), _) => data.ready(model)?,
            (None, Some(kept)) => ValidationData::Ready(kept),
            (None, None) => return Ok((None, self)),
        };
        let validation = Validation {
            data,
            batch_size: self.validation_batch_size.unwrap_or(batch_size),
            steps: self.validation_steps,
            freq: self.validation_freq.clone(),
        };
        Ok((Some(validation), self))
    }

    /// The callbacks, with what shows the progress behind them.
    pub(super) fn all_callbacks(&mut self) -> CallbackList {
        let mut callbacks = std::mem::take(&mut self.callbacks);
        callbacks.extend(ProgbarLogger::of(self.verbose));
        callbacks
    }
}
