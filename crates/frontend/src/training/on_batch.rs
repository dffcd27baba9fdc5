//! One batch at a time, for training loops of one's own.

use cornu_ir::Tensor;

use super::batches::ReadyBatch;
use super::{Dataset, IntoTensors, Logs};
use crate::error::Result;
use crate::model::Model;

impl Model {
    /// One step of training on these samples; the logs are those of this batch alone. Keras: `train_on_batch`.
    pub fn train_on_batch(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Logs> {
        let batch = self.batch("train_on_batch", x, y)?;
        self.reset_metrics()?;
        let step = self.train_step(&batch, false)?;
        self.logs(&step)
    }

    /// The loss and the metrics on these samples alone. Keras: `test_on_batch`.
    pub fn test_on_batch(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Logs> {
        let batch = self.batch("test_on_batch", x, y)?;
        self.reset_metrics()?;
        let step = self.test_step(&batch)?;
        self.logs(&step)
    }

    /// All outputs for these samples, in one step. Keras: `predict_on_batch`.
    pub fn predict_on_batch(&mut self, x: impl IntoTensors) -> Result<Vec<Tensor>> {
        let data = Dataset::new(self.admit(x)?, Vec::new(), None)?;
        let batch = data.whole(&self.built()?.trace.host)?;
        self.predict_step(&batch)
    }

    fn batch(&mut self, what: &str, x: impl IntoTensors, y: impl IntoTensors) -> Result<ReadyBatch> {
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let batch = Dataset::not_empty(what, x, y, None)?.whole(&self.built()?.trace.host)?;
        self.decide_goals(&batch)?;
        Ok(batch)
    }
}
