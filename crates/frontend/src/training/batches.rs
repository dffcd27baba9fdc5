//! Batches: rows of the data, in order or shuffled, gathered into tensors of a step's size.

use cornu_ir::{Data, Tensor, Type};

use crate::error::{Error, Result};

/// Samples with their targets and weights: arrays whose first axes have one length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dataset {
    pub(crate) x: Vec<Tensor>,
    pub(crate) y: Vec<Tensor>,
    pub(crate) weights: Option<Tensor>,
}

/// Some samples, ready for a step: inputs, then targets, then weights.
pub(crate) struct Batch {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) rows: usize,
}

impl Dataset {
    /// Samples whose arrays agree in their number of rows.
    pub(crate) fn new(x: Vec<Tensor>, y: Vec<Tensor>, weights: Option<Tensor>) -> Result<Dataset> {
        let dataset = Dataset { x, y, weights };
        let rows = dataset.rows();
        for tensor in dataset.tensors() {
            if tensor.shape().first() != Some(&rows) {
                let what = format!("inputs have {rows} rows, but an array beside them is {}", tensor.ty());
                return Err(Error::Data { what });
            }
        }
        Ok(dataset)
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.x.iter().chain(&self.y).chain(&self.weights)
    }

    /// Number of samples.
    pub(crate) fn rows(&self) -> usize {
        self.x.first().and_then(|x| x.shape().first()).copied().unwrap_or(0)
    }

    /// Types of a batch of this many rows.
    pub(crate) fn batch_types(&self, rows: usize) -> Vec<Type> {
        self.tensors().map(|tensor| tensor.ty().with_shape(tensor.shape().with(0, rows))).collect()
    }

    /// The samples numbered by `rows`.
    pub(crate) fn gather(&self, rows: &[usize]) -> Batch {
        Batch { tensors: self.tensors().map(|tensor| gather_rows(tensor, rows)).collect(), rows: rows.len() }
    }

    /// The samples before and from number `at` on.
    pub(crate) fn split_at(self, at: usize) -> (Dataset, Dataset) {
        let rows = self.rows();
        let part = |rows: Vec<usize>| Dataset {
            x: self.x.iter().map(|tensor| gather_rows(tensor, &rows)).collect(),
            y: self.y.iter().map(|tensor| gather_rows(tensor, &rows)).collect(),
            weights: self.weights.as_ref().map(|tensor| gather_rows(tensor, &rows)),
        };
        (part((0..at).collect()), part((at..rows).collect()))
    }
}

/// The rows of a tensor with these numbers, in this order.
fn gather_rows(tensor: &Tensor, rows: &[usize]) -> Tensor {
    fn copied<T: Copy>(items: &[T], width: usize, rows: &[usize]) -> Vec<T> {
        rows.iter().flat_map(|&row| &items[row * width..(row + 1) * width]).copied().collect()
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
