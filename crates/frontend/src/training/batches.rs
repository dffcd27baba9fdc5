//! Batches: rows of the data, in order or shuffled, gathered into tensors of a step's size.

use cornu_ir::{Data, Tensor, Type};

use super::Values;
use crate::error::{Error, Result};
use crate::model::HostPart;

/// Samples with their targets and weights: arrays whose first axes have one length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dataset {
    pub(crate) x: Vec<Values>,
    pub(crate) y: Vec<Tensor>,
    pub(crate) weights: Option<Tensor>,
}

/// Some samples, ready for a step: what the graph takes, then targets, then weights.
pub(crate) struct Batch {
    pub(crate) tensors: Vec<Tensor>,
}

impl Dataset {
    /// Samples whose arrays agree in their number of rows.
    pub(crate) fn new(x: Vec<Values>, y: Vec<Tensor>, weights: Option<Tensor>) -> Result<Dataset> {
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

    /// Targets and weights.
    fn others(&self) -> impl Iterator<Item = &Tensor> {
        self.y.iter().chain(&self.weights)
    }

    /// Number of samples.
    pub(crate) fn rows(&self) -> usize {
        self.x.first().and_then(|x| x.shape().first()).copied().unwrap_or(0)
    }

    /// The samples numbered by `rows`, after what the host makes of them, in the memory of `spare`, tensors of an earlier
    /// batch, where these fit.
    pub(crate) fn gather(&self, rows: &[usize], host: &HostPart, spare: Vec<Tensor>) -> Result<Batch> {
        let mut spare = spare.into_iter();
        let mut tensors = host.run(self.x.iter().map(|x| x.gather(rows, spare.next())).collect())?;
        tensors.extend(self.others().map(|tensor| gather_rows(tensor, rows, spare.next())));
        Ok(Batch { tensors })
    }

    /// The samples before and from number `at` on.
    pub(crate) fn split_at(self, at: usize) -> (Dataset, Dataset) {
        let rows = self.rows();
        let part = |rows: Vec<usize>| Dataset {
            x: self.x.iter().map(|x| x.gather(&rows, None)).collect(),
            y: self.y.iter().map(|tensor| gather_rows(tensor, &rows, None)).collect(),
            weights: self.weights.as_ref().map(|tensor| gather_rows(tensor, &rows, None)),
        };
        (part((0..at).collect()), part((at..rows).collect()))
    }
}

impl Batch {
    /// Types of all tensors.
    pub(crate) fn types(&self) -> Vec<Type> {
        self.tensors.iter().map(Tensor::ty).collect()
    }
}

/// The rows of a tensor with these numbers, in this order; in the memory of `spare`, if it is of the right type.
pub(super) fn gather_rows(tensor: &Tensor, rows: &[usize], spare: Option<Tensor>) -> Tensor {
    fn copy<T: Copy>(items: &[T], rows: &[usize], to: &mut [T]) {
        let width = to.len() / rows.len().max(1);
        for (place, &row) in rows.iter().enumerate() {
            to[place * width..(place + 1) * width].copy_from_slice(&items[row * width..(row + 1) * width]);
        }
    }
    if rows.len() == tensor.shape()[0] && rows.iter().copied().eq(0..rows.len()) {
        return tensor.clone();
    }
    let ty = tensor.ty();
    let ty = ty.with_shape(ty.shape.with(0, rows.len()));
    let mut gathered = spare.filter(|spare| spare.ty() == ty).unwrap_or_else(|| Tensor::zeros(&ty));
    match (tensor.data(), gathered.data_mut()) {
        (Data::F32(items), Data::F32(to)) => copy(items, rows, to),
        (Data::F64(items), Data::F64(to)) => copy(items, rows, to),
        (Data::BF16(items), Data::BF16(to)) => copy(items, rows, to),
        (Data::F16(items), Data::F16(to)) => copy(items, rows, to),
        (Data::I32(items), Data::I32(to)) => copy(items, rows, to),
        (Data::I64(items), Data::I64(to)) => copy(items, rows, to),
        (Data::U8(items), Data::U8(to)) => copy(items, rows, to),
        (Data::U32(items), Data::U32(to)) => copy(items, rows, to),
        (Data::Bool(items), Data::Bool(to)) => copy(items, rows, to),
        (_, to) => unreachable!("the rows are of the tensor's type, not {}", to.dtype()),
    }
    gathered
}
