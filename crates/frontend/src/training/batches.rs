//! Batches: rows of the data, in order or shuffled, gathered into tensors of a step's size.

use std::sync::Arc;

use cornu_ir::{Tensor, Type};

use super::Values;
use super::rows::Rows;
use crate::error::{Error, Result};
use crate::model::HostPart;

/// Samples with their targets and weights (none, one array for all outputs, or one for each target): arrays whose
/// first axes have one length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dataset {
    pub(crate) x: Vec<Values>,
    pub(crate) y: Vec<Tensor>,
    pub(crate) weights: Vec<Tensor>,
}

/// Some samples, ready for a step.
pub(crate) struct ReadyBatch {
    /// What the graph takes, then targets, then weights.
    pub(crate) given: Vec<Rows>,
    /// How many of these the graph takes.
    inputs: usize,
    /// How many of the last are sample weights.
    pub(crate) weights: usize,
}

impl Dataset {
    /// Samples whose arrays agree in their number of rows.
    pub(crate) fn new(x: Vec<Values>, y: Vec<Tensor>, weights: Vec<Tensor>) -> Result<Dataset> {
        let dataset = Dataset { x, y, weights };
        let rows = dataset.rows();
        let fits = |shape: &[usize], described: &dyn Fn() -> String| match shape.first() == Some(&rows) {
            true => Ok(()),
            false => {
                let what = format!("inputs have {rows} rows, but an array beside them is {}", described());
                Err(Error::Data { what })
            }
        };
        dataset.x.iter().try_for_each(|x| fits(x.shape(), &|| x.described()))?;
        dataset.others().try_for_each(|tensor| fits(tensor.shape(), &|| tensor.ty().to_string()))?;
        Ok(dataset)
    }

    /// [`Dataset::new`], and an error if there are no samples, which `what` needs.
    pub(crate) fn not_empty(
        what: &str,
        x: Vec<Values>,
        y: Vec<Tensor>,
        weights: Vec<Tensor>,
    ) -> Result<Dataset> {
        let dataset = Dataset::new(x, y, weights)?;
        match dataset.rows() {
            0 => Err(Error::Data { what: format!("{what} needs at least one sample") }),
            _ => Ok(dataset),
        }
    }

    /// Targets and weights.
    fn others(&self) -> impl Iterator<Item = &Tensor> {
        self.y.iter().chain(&self.weights)
    }

    /// Number of samples.
    pub(crate) fn rows(&self) -> usize {
        self.x.first().and_then(|x| x.shape().first()).copied().unwrap_or(0)
    }

    /// The samples numbered by `rows`, after what the host makes of them.
    pub(crate) fn gather(&self, rows: &[usize], host: &HostPart) -> Result<ReadyBatch> {
        let numbers: Arc<[usize]> = rows.into();
        let x: Vec<Rows> = match self.numbers().filter(|_| host.is_empty()) {
            Some(x) => x.into_iter().map(|x| Rows::of(x, &numbers)).collect(),
            None => {
                let x = host.run(self.x.iter().map(|x| x.gather(rows)).collect())?;
                x.into_iter().map(Rows::from).collect()
            }
        };
        let others = self.others().map(|tensor| Rows::of(tensor, &numbers)).collect();
        Ok(ReadyBatch::new(x, others, self.weights.len()))
    }

    /// All samples as one batch, after what the host makes of them.
    pub(crate) fn whole(self, host: &HostPart) -> Result<ReadyBatch> {
        let weights = self.weights.len();
        let x = host.run(self.x)?.into_iter().map(Rows::from).collect();
        let others = self.y.into_iter().chain(self.weights).map(Rows::from).collect();
        Ok(ReadyBatch::new(x, others, weights))
    }

    /// The inputs, if there are no strings among them.
    fn numbers(&self) -> Option<Vec<&Tensor>> {
        fn number(x: &Values) -> Option<&Tensor> {
            match x {
                Values::Numbers(tensor) => Some(tensor),
                Values::Strings(_) => None,
            }
        }
        self.x.iter().map(number).collect()
    }

    /// The samples before and from number `at` on.
    pub(crate) fn split_at(self, at: usize) -> (Dataset, Dataset) {
        let rows = self.rows();
        let part = |rows: Vec<usize>| Dataset {
            x: self.x.iter().map(|x| x.gather(&rows)).collect(),
            y: self.y.iter().map(|tensor| tensor.rows(&rows)).collect(),
            weights: self.weights.iter().map(|tensor| tensor.rows(&rows)).collect(),
        };
        (part((0..at).collect()), part((at..rows).collect()))
    }
}

impl ReadyBatch {
    fn new(x: Vec<Rows>, others: Vec<Rows>, weights: usize) -> ReadyBatch {
        ReadyBatch { inputs: x.len(), given: x.into_iter().chain(others).collect(), weights }
    }

    /// Types of all tensors.
    pub(crate) fn types(&self) -> Vec<Type> {
        self.given.iter().map(Rows::ty).collect()
    }

    /// What the graph takes alone, to predict for it.
    pub(crate) fn without_targets(mut self) -> ReadyBatch {
        self.given.truncate(self.inputs);
        ReadyBatch { weights: 0, ..self }
    }

    /// The targets.
    pub(crate) fn targets(&self) -> &[Rows] {
        &self.given[self.inputs..self.given.len() - self.weights]
    }
}
