//! Evaluate: the loss and the metrics on data that is not trained on.

use cornu_ir::Tensor;

use super::{Dataset, IntoTensor, IntoTensors, Logs};
use crate::error::{Error, Result};
use crate::model::Model;

/// How to evaluate: what Keras's `evaluate` takes beside the data.
#[derive(Clone, Debug)]
pub struct Evaluate {
    batch_size: usize,
    sample_weight: Option<Tensor>,
}

impl Default for Evaluate {
    fn default() -> Evaluate {
        Evaluate { batch_size: 32, sample_weight: None }
    }
}

impl Evaluate {
    /// In batches of 32.
    pub fn new() -> Evaluate {
        Evaluate::default()
    }

    /// Samples in a step.
    pub fn batch_size(mut self, size: usize) -> Evaluate {
        self.batch_size = size;
        self
    }

    /// How much each sample counts.
    pub fn sample_weight(mut self, weights: impl IntoTensor) -> Evaluate {
        self.sample_weight = Some(weights.into_tensor());
        self
    }
}

impl Model {
    /// The loss and the metrics on these samples, in batches of 32. Keras: `evaluate(return_dict=True)`.
    pub fn evaluate(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Logs> {
        self.evaluate_with(x, y, Evaluate::new())
    }

    /// [`Model::evaluate`] with further settings.
    pub fn evaluate_with(&mut self, x: impl IntoTensors, y: impl IntoTensors, how: Evaluate) -> Result<Logs> {
        if how.batch_size == 0 {
            return Err(Error::config("evaluate", "batch_size", 0, "1 or more"));
        }
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        self.evaluate_dataset(&Dataset::new(x, y, how.sample_weight)?, how.batch_size)
    }

    pub(crate) fn evaluate_dataset(&mut self, data: &Dataset, batch_size: usize) -> Result<Logs> {
        let rows: Vec<usize> = (0..data.rows()).collect();
        if rows.is_empty() {
            return Err(Error::Data { what: "evaluate needs at least one sample".to_string() });
        }
        self.decide_goals(data)?;
        self.reset_metrics()?;
        let mut logs = Logs::default();
        for (step, rows) in rows.chunks(batch_size).enumerate() {
            let signature = self.test_step(data, rows)?;
            if (step + 1) * batch_size >= data.rows() {
                logs = self.logs(&signature)?;
            }
        }
        Ok(logs)
    }
}
