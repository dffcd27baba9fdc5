//! Rows: some samples of an array, named rather than copied; the backend fetches them where it needs them.

use std::sync::Arc;

use cornu_ir::backend::{Backend, Buffer};
use cornu_ir::error::BackendError;
use cornu_ir::{Tensor, Type};

/// A tensor, or the rows of one with some numbers, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    of: Tensor,
    /// All of them, if none are named.
    numbers: Option<Arc<[usize]>>,
}

impl Rows {
    /// The rows with these numbers.
    pub(crate) fn of(tensor: &Tensor, numbers: &Arc<[usize]>) -> Rows {
        let is_whole = numbers.iter().copied().eq(0..tensor.shape()[0]);
        Rows { of: tensor.clone(), numbers: (!is_whole).then(|| numbers.clone()) }
    }

    /// Element type and shape.
    pub(crate) fn ty(&self) -> Type {
        let ty = self.of.ty();
        match &self.numbers {
            Some(numbers) => Type { shape: ty.shape.with(0, numbers.len()), ..ty },
            None => ty,
        }
    }

    /// A tensor of their own.
    pub(crate) fn fetch(&self) -> Tensor {
        match &self.numbers {
            Some(numbers) => self.of.rows(numbers),
            None => self.of.clone(),
        }
    }

    /// Overwrites a buffer of their type with them.
    pub(crate) fn write(&self, backend: &dyn Backend, buffer: &mut Buffer) -> Result<(), BackendError> {
        match &self.numbers {
            Some(numbers) => backend.write_rows(buffer, &self.of, numbers),
            None => backend.write(buffer, &self.of),
        }
    }
}

impl From<Tensor> for Rows {
    fn from(of: Tensor) -> Rows {
        Rows { of, numbers: None }
    }
}
