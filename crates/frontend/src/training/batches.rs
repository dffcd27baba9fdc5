//! Batches: rows of the data, in order or shuffled, gathered into tensors of a step's size.

use cornu_ir::{Data, Tensor, Type};

use super::Values;
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
    pub(crate) tensors: Vec<Tensor>,
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
        let mut tensors = host.run(self.x.iter().map(|x| x.gather(rows)).collect())?;
        let inputs = tensors.len();
        tensors.extend(self.others().map(|tensor| gather_rows(tensor, rows)));
        Ok(ReadyBatch { tensors, inputs, weights: self.weights.len() })
    }

    /// All samples as one batch, after what the host makes of them.
    pub(crate) fn whole(self, host: &HostPart) -> Result<ReadyBatch> {
        let mut tensors = host.run(self.x)?;
        let (inputs, weights) = (tensors.len(), self.weights.len());
        tensors.extend(self.y);
        tensors.extend(self.weights);
        Ok(ReadyBatch { tensors, inputs, weights })
    }

    /// The samples before and from number `at` on.
    pub(crate) fn split_at(self, at: usize) -> (Dataset, Dataset) {
        let rows = self.rows();
        let part = |rows: Vec<usize>| Dataset {
            x: self.x.iter().map(|x| x.gather(&rows)).collect(),
            y: self.y.iter().map(|tensor| gather_rows(tensor, &rows)).collect(),
            weights: self.weights.iter().map(|tensor| gather_rows(tensor, &rows)).collect(),
        };
        (part((0..at).collect()), part((at..rows).collect()))
    }
}

impl ReadyBatch {
    /// Types of all tensors.
    pub(crate) fn types(&self) -> Vec<Type> {
        self.tensors.iter().map(Tensor::ty).collect()
    }

    /// What the graph takes alone, to predict for it.
    pub(crate) fn without_targets(mut self) -> ReadyBatch {
        self.tensors.truncate(self.inputs);
        ReadyBatch { weights: 0, ..self }
    }

    /// The targets.
    pub(crate) fn targets(&self) -> &[Tensor] {
        &self.tensors[self.inputs..self.tensors.len() - self.weights]
    }
}

/// The rows of a tensor with these numbers, in this order.
pub(super) fn gather_rows(tensor: &Tensor, rows: &[usize]) -> Tensor {
    fn copied<T: Copy>(items: &[T], width: usize, rows: &[usize]) -> Vec<T> {
        let mut copied = Vec::with_capacity(rows.len() * width);
        rows.iter().for_each(|&row| copied.extend_from_slice(&items[row * width..(row + 1) * width]));
        copied
    }
    let width = tensor.shape()[1..].iter().product();
    let data = match tensor.data() {
        Data::F32(items) => Data::F32(copied(items, width, rows)),
        Data::F64(items) => Data::F64(copied(items, width, rows)),
        Data::BF16(items) => Data::BF16(copied(items, width, rows)),
        Data::F16(items) => Data::F16(copied(items, width, rows)),
        Data::I32(items) => Data::I32(copied(items, width, rows)),
        Data::I64(items) => Data::I64(copied(items, width, rows)),
        Data::U8(items) => Data::U8(copied(items, width, rows)),
        Data::U32(items) => Data::U32(copied(items, width, rows)),
        Data::Bool(items) => Data::Bool(copied(items, width, rows)),
    };
    match Tensor::from_data(tensor.shape().with(0, rows.len()), data) {
        Some(gathered) => gathered,
        None => unreachable!("as many rows of the same width"),
    }
}
