//! One batch at a time, for training loops of one's own.

use cornu_ir::Tensor;

use super::batches::ReadyBatch;
use super::{ClassWeight, Dataset, IntoTensors, Logs, Tensors};
use crate::error::Result;
use crate::model::Model;

/// What Keras's `train_on_batch` and `test_on_batch` take beside the data.
#[derive(Clone, Debug, Default)]
pub struct OnBatch {
    sample_weight: Option<Tensors>,
    class_weight: ClassWeight,
}

impl OnBatch {
    /// Every sample counts alike.
    pub fn new() -> OnBatch {
        OnBatch::default()
    }

    /// How much each sample counts: one array for all outputs, or one for each, in order or by name.
    pub fn sample_weight(mut self, weights: impl IntoTensors) -> OnBatch {
        self.sample_weight = Some(weights.into_tensors());
        self
    }

    /// How much the samples of each class count; 1 for classes that are not listed.
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (i64, f64)>) -> OnBatch {
        self.class_weight = ClassWeight(weights.into_iter().collect());
        self
    }
}

impl Model {
    /// One step of training on these samples; the logs are those of this batch alone. Keras: `train_on_batch`.
    pub fn train_on_batch(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Logs> {
        self.train_on_batch_with(x, y, OnBatch::new())
    }

    /// [`Model::train_on_batch`] with weights.
    pub fn train_on_batch_with(
        &mut self,
        x: impl IntoTensors,
        y: impl IntoTensors,
        how: OnBatch,
    ) -> Result<Logs> {
        let batch = self.batch("train_on_batch", x, y, how)?;
        self.reset_metrics()?;
        let step = self.train_step(&batch, false)?;
        self.logs(&step)
    }

    /// The loss and the metrics on these samples alone. Keras: `test_on_batch`.
    pub fn test_on_batch(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Logs> {
        self.test_on_batch_with(x, y, OnBatch::new())
    }

    /// [`Model::test_on_batch`] with weights.
    pub fn test_on_batch_with(
        &mut self,
        x: impl IntoTensors,
        y: impl IntoTensors,
        how: OnBatch,
    ) -> Result<Logs> {
        let batch = self.batch("test_on_batch", x, y, how)?;
        self.reset_metrics()?;
        let step = self.test_step(&batch)?;
        self.logs(&step)
    }

    /// All outputs for these samples, in one step. Keras: `predict_on_batch`.
    pub fn predict_on_batch(&mut self, x: impl IntoTensors) -> Result<Vec<Tensor>> {
        let data = Dataset::new(self.admit(x)?, Vec::new(), Vec::new())?;
        let batch = data.whole(&self.built()?.trace.host)?;
        self.predict_step(&batch)
    }

    fn batch(
        &mut self,
        what: &str,
        x: impl IntoTensors,
        y: impl IntoTensors,
        how: OnBatch,
    ) -> Result<ReadyBatch> {
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let weights = self.sample_weights(how.sample_weight, y.len())?;
        let weights = how.class_weight.beside(&y, weights)?;
        let batch = Dataset::not_empty(what, x, y, weights)?.whole(&self.built()?.trace.host)?;
        self.decide_goals(&batch)?;
        Ok(batch)
    }
}
