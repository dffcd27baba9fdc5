//! Evaluate: the loss and the metrics on data that is not trained on.

use super::feed::{ArraySource, Feed, Source, with_stream};
use super::stream::Batches;
use super::{ClassWeight, Dataset, IntoTensors, Logs, Tensors, Verbose};
use crate::callbacks::{Callback, CallbackList, ProgbarLogger, Training};
use crate::error::{Error, Result};
use crate::model::Model;

/// How to evaluate: what Keras's `evaluate` takes beside the data.
#[derive(Default)]
pub struct Evaluate {
    batch_size: Option<usize>,
    steps: Option<usize>,
    sample_weight: Option<Tensors>,
    callbacks: CallbackList,
}

impl Evaluate {
    /// In batches of 32, silently.
    pub fn new() -> Evaluate {
        Evaluate::default()
    }

    /// Samples in a step.
    pub fn batch_size(mut self, size: usize) -> Evaluate {
        self.batch_size = Some(size);
        self
    }

    /// How many batches to evaluate on, from the first: all of them unless said otherwise.
    pub fn steps(mut self, steps: usize) -> Evaluate {
        self.steps = Some(steps);
        self
    }

    /// How much each sample counts: one array for all outputs, or one for each, in order or by name.
    pub fn sample_weight(mut self, weights: impl IntoTensors) -> Evaluate {
        self.sample_weight = Some(weights.into_tensors());
        self
    }

    /// How much is shown.
    pub fn verbose(mut self, verbose: Verbose) -> Evaluate {
        self.callbacks.extend(ProgbarLogger::of(verbose));
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Evaluate {
        self.callbacks.push(Box::new(callback));
        self
    }

    fn check(&self) -> Result<()> {
        match (self.batch_size, self.steps) {
            (Some(0), _) => Err(Error::config("evaluate", "batch_size", 0, "1 or more")),
            (_, Some(0)) => Err(Error::config("evaluate", "steps", 0, "1 or more")),
            (_, _) => Ok(()),
        }
    }
}

impl Model {
    /// The loss and the metrics on these samples, in batches of 32. Keras: `evaluate(return_dict=True)`.
    pub fn evaluate(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Logs> {
        self.evaluate_with(x, y, Evaluate::new())
    }

    /// [`Model::evaluate`] with further settings.
    pub fn evaluate_with(
        &mut self,
        x: impl IntoTensors,
        y: impl IntoTensors,
        mut how: Evaluate,
    ) -> Result<Logs> {
        how.check()?;
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let weights = self.sample_weights(how.sample_weight.take(), y.len())?;
        let data = Dataset::not_empty("evaluate", x, y, weights)?;
        self.evaluate_source(&mut ArraySource::new(&data, how.batch_size.unwrap_or(32), None), how)
    }

    /// [`Model::evaluate`] on batches that are made while the model is evaluated: see [`Batches`].
    pub fn evaluate_batches(&mut self, batches: impl Batches, how: Evaluate) -> Result<Logs> {
        how.check()?;
        let needed = "left out for a stream of batches, which brings its own";
        if let Some(size) = how.batch_size {
            return Err(Error::config("evaluate", "batch_size", size, needed));
        }
        if how.sample_weight.is_some() {
            return Err(Error::config("evaluate", "sample_weight", "an array", needed));
        }
        self.compiled()?;
        with_stream(batches, 0, &ClassWeight::default(), |source| self.evaluate_source(source, how))
    }

    fn evaluate_source(&mut self, source: &mut dyn Source, how: Evaluate) -> Result<Logs> {
        let (mut feed, mut callbacks) = (Feed::new(source, how.steps), how.callbacks);
        let mut training = Training::new(self, 0, feed.steps());
        evaluate_feed(&mut training, &mut callbacks, &mut feed)
    }
}

/// The loss and the metrics on the batches of one epoch.
pub(crate) fn evaluate_feed(
    training: &mut Training<'_>,
    callbacks: &mut CallbackList,
    feed: &mut Feed<'_>,
) -> Result<Logs> {
    callbacks.tell(training, |callback, training| callback.on_test_begin(training))?;
    feed.begin(0)?;
    if let Some(batch) = feed.peek(training.model)? {
        training.model.decide_goals(batch)?;
    }
    training.model.reset_metrics()?;
    let (mut last, mut step) = (None, 0);
    let together = training.model.compiled()?.given.steps_per_execution;
    while let Some(batch) = feed.next(training.model)? {
        callbacks.tell(training, |callback, training| callback.on_test_batch_begin(training, step))?;
        let mut signature = training.model.test_step(&batch)?;
        for _ in 1..together {
            let Some(batch) = feed.next(training.model)? else { break };
            signature = training.model.test_step(&batch)?;
        }
        step += together;
        if callbacks.wants_test_batch(step - 1) {
            let logs = training.model.logs(&signature)?;
            callbacks.test_batch_end(training, step - 1, &logs)?;
        }
        last = Some(signature);
    }
    let Some(last) = last else {
        return Err(Error::Data { what: "there was no batch to evaluate on".to_string() });
    };
    let logs = training.model.logs(&last)?;
    callbacks.tell(training, |callback, training| callback.on_test_end(training, &logs))?;
    Ok(logs)
}
