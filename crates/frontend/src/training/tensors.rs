//! Tensors: the arrays given to a model with several inputs or outputs, in order or by name.

use cornu_ir::Tensor;

use super::IntoTensor;
use crate::error::{Error, Result};

/// Arrays for a model's inputs or targets.
#[derive(Clone, Debug)]
pub enum Tensors {
    /// In the model's order.
    InOrder(Vec<Tensor>),
    /// By name.
    ByName(Vec<(String, Tensor)>),
}

impl Tensors {
    /// In the order of these names; `what` says whose names they are: "input".
    pub(crate) fn in_order(self, what: &'static str, names: &[String]) -> Result<Vec<Tensor>> {
        let given = match self {
            Tensors::InOrder(tensors) => return Ok(tensors),
            Tensors::ByName(given) => given,
        };
        if let Some((name, _)) = given.iter().find(|(name, _)| !names.contains(name)) {
            return Err(Error::unknown(what, name, names.iter().map(|name| &**name)));
        }
        let found = |name: &String| given.iter().find(|(given, _)| given == name).map(|(_, x)| x.clone());
        let missing =
            |name: &String| Error::Data { what: format!("no array is given for the {what} `{name}`") };
        names.iter().map(|name| found(name).ok_or_else(|| missing(name))).collect()
    }
}

/// What can be given as inputs or targets: an array, a tuple of arrays in the model's order, a list of tensors, or
/// arrays by name: `[("left", &a), ("right", &b)]`.
pub trait IntoTensors {
    /// The arrays.
    fn into_tensors(self) -> Tensors;
}

impl<T: IntoTensor> IntoTensors for T {
    fn into_tensors(self) -> Tensors {
        Tensors::InOrder(vec![self.into_tensor()])
    }
}

impl IntoTensors for Tensors {
    fn into_tensors(self) -> Tensors {
        self
    }
}

impl IntoTensors for Vec<Tensor> {
    fn into_tensors(self) -> Tensors {
        Tensors::InOrder(self)
    }
}

impl<A: IntoTensor, B: IntoTensor> IntoTensors for (A, B) {
    fn into_tensors(self) -> Tensors {
        Tensors::InOrder(vec![self.0.into_tensor(), self.1.into_tensor()])
    }
}

impl<A: IntoTensor, B: IntoTensor, C: IntoTensor> IntoTensors for (A, B, C) {
    fn into_tensors(self) -> Tensors {
        Tensors::InOrder(vec![self.0.into_tensor(), self.1.into_tensor(), self.2.into_tensor()])
    }
}

impl<T: IntoTensor, const N: usize> IntoTensors for [(&str, T); N] {
    fn into_tensors(self) -> Tensors {
        Tensors::ByName(self.into_iter().map(|(name, x)| (name.to_string(), x.into_tensor())).collect())
    }
}
