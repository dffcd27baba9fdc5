//! Predict: what the model says to inputs.

use cornu_ir::{Data, Tensor};
use ndarray::ArrayD;

use super::feed::{ArraySource, Feed, Source, with_stream};
use super::stream::Batches;
use super::{ClassWeight, Dataset, IntoTensors, to_array};
use crate::callbacks::{Callback, CallbackList, ProgbarLogger, Training};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::training::Verbose;

/// How to predict: what Keras's `predict` takes beside the data.
pub struct Predict {
    batch_size: usize,
    steps: Option<usize>,
    callbacks: CallbackList,
}

impl Default for Predict {
    fn default() -> Predict {
        Predict { batch_size: 32, steps: None, callbacks: CallbackList::default() }
    }
}

impl Predict {
    /// In batches of 32, silently.
    pub fn new() -> Predict {
        Predict::default()
    }

    /// Samples in a step.
    pub fn batch_size(mut self, size: usize) -> Predict {
        self.batch_size = size;
        self
    }

    /// How many batches to predict for, from the first: all of them unless said otherwise.
    pub fn steps(mut self, steps: usize) -> Predict {
        self.steps = Some(steps);
        self
    }

    /// How much is shown.
    pub fn verbose(mut self, verbose: Verbose) -> Predict {
        self.callbacks.extend(ProgbarLogger::of(verbose));
        self
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Predict {
        self.callbacks.push(Box::new(callback));
        self
    }

    fn check(&self) -> Result<()> {
        match (self.batch_size, self.steps) {
            (0, _) => Err(Error::config("predict", "batch_size", 0, "1 or more")),
            (_, Some(0)) => Err(Error::config("predict", "steps", 0, "1 or more")),
            (_, _) => Ok(()),
        }
    }
}

impl Model {
    /// The model's output for each row of `x`, in batches of 32. Keras: `predict`.
    ///
    /// A model with several outputs has [`Model::predict_tensors`].
    pub fn predict(&mut self, x: impl IntoTensors) -> Result<ArrayD<f32>> {
        let mut outputs = self.predict_tensors(x, 32)?;
        match (outputs.pop(), outputs.len()) {
            (Some(output), 0) => to_array(output),
            (_, others) => Err(Error::Data {
                what: format!("the model has {} outputs; `predict_tensors` gives all of them", others + 1),
            }),
        }
    }

    /// All outputs, in order.
    pub fn predict_tensors(&mut self, x: impl IntoTensors, batch_size: usize) -> Result<Vec<Tensor>> {
        self.predict_with(x, Predict::new().batch_size(batch_size))
    }

    /// All outputs, in order, with further settings.
    pub fn predict_with(&mut self, x: impl IntoTensors, how: Predict) -> Result<Vec<Tensor>> {
        how.check()?;
        let data = Dataset::new(self.admit(x)?, Vec::new(), Vec::new())?;
        let batch_size = how.batch_size;
        self.predict_source(&mut ArraySource::new(&data, batch_size, None), how, Some(&data))
    }

    /// All outputs for batches of inputs, which are made while the model predicts: see [`Batches`]. Targets are left
    /// alone; [`crate::Batch::inputs`] makes a batch without.
    pub fn predict_batches(&mut self, batches: impl Batches, how: Predict) -> Result<Vec<Tensor>> {
        how.check()?;
        with_stream(batches, 0, &ClassWeight::default(), |source| self.predict_source(source, how, None))
    }

    fn predict_source(
        &mut self,
        source: &mut dyn Source,
        how: Predict,
        data: Option<&Dataset>,
    ) -> Result<Vec<Tensor>> {
        let (mut feed, mut callbacks) = (Feed::new(source, how.steps), how.callbacks);
        let mut training = Training::new(self, 0, feed.steps());
        let mut parts: Vec<Vec<Tensor>> = Vec::new();
        callbacks.tell(&mut training, |callback, training| callback.on_predict_begin(training))?;
        feed.begin(0)?;
        while let Some(batch) = feed.next(training.model)? {
            let step = parts.len();
            callbacks
                .tell(&mut training, |callback, training| callback.on_predict_batch_begin(training, step))?;
            let outputs = training.model.predict_step(&batch.without_targets())?;
            callbacks.tell(&mut training, |callback, training| {
                callback.on_predict_batch_end(training, step, &outputs)
            })?;
            parts.push(outputs);
        }
        training.steps.get_or_insert(parts.len());
        if let (true, Some(data)) = (parts.is_empty(), data) {
            // Without samples one empty batch still tells the shape of the outputs.
            let empty = data.gather(&[], &training.model.built()?.trace.host)?;
            parts.push(training.model.predict_step(&empty)?);
        }
        callbacks.tell(&mut training, |callback, training| callback.on_predict_end(training))?;
        let outputs = parts.first().map_or(0, Vec::len);
        (0..outputs).map(|output| joined(parts.iter().map(|part| &part[output]))).collect()
    }
}

/// Batches of outputs, one after another.
fn joined<'a>(parts: impl Iterator<Item = &'a Tensor> + Clone) -> Result<Tensor> {
    let all: Vec<&Tensor> = parts.collect();
    let rows: usize = all.iter().map(|part| part.shape().first().copied().unwrap_or(0)).sum();
    let sizes = |part: &Tensor| part.shape().iter().skip(1).copied().collect::<Vec<usize>>();
    if let Some(other) = all.iter().find(|part| sizes(part) != sizes(all[0])) {
        let what = format!(
            "an output is {} for one batch and {} for another, which do not join. Give texts one length: \
             `output_sequence_length`",
            all[0].ty(),
            other.ty()
        );
        return Err(Error::Data { what });
    }
    if let [only] = all[..] {
        return Ok(only.clone());
    }
    let shape = all[0].shape().with(0, rows);
    let items = |part: &&Tensor| part.data().clone();
    let data = all.iter().map(items).reduce(append).unwrap_or_else(|| Data::F32(Vec::new()));
    match Tensor::from_data(shape, data) {
        Some(tensor) => Ok(tensor),
        None => unreachable!("the parts are batches of one output"),
    }
}

fn append(first: Data, second: Data) -> Data {
    match (first, second) {
        (Data::F32(a), Data::F32(b)) => Data::F32([a, b].concat()),
        (Data::F64(a), Data::F64(b)) => Data::F64([a, b].concat()),
        (Data::BF16(a), Data::BF16(b)) => Data::BF16([a, b].concat()),
        (Data::F16(a), Data::F16(b)) => Data::F16([a, b].concat()),
        (Data::I32(a), Data::I32(b)) => Data::I32([a, b].concat()),
        (Data::I64(a), Data::I64(b)) => Data::I64([a, b].concat()),
        (Data::U8(a), Data::U8(b)) => Data::U8([a, b].concat()),
        (Data::U32(a), Data::U32(b)) => Data::U32([a, b].concat()),
        (Data::Bool(a), Data::Bool(b)) => Data::Bool([a, b].concat()),
        (first, _) => first,
    }
}
