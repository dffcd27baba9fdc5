//! Tensors: the arrays given to a model with several inputs or outputs, in order or by name.

use cornu_ir::Tensor;

use super::{IntoValues, Values};
use crate::error::{Error, Result};

/// Arrays for a model's inputs or targets.
#[derive(Clone, Debug)]
pub enum Tensors {
    /// In the model's order.
    InOrder(Vec<Values>),
    /// By name.
    ByName(Vec<(String, Values)>),
}

impl Tensors {
    /// In the order of these names; `what` says whose names they are: "input".
    pub(crate) fn in_order(self, what: &'static str, names: &[String]) -> Result<Vec<Values>> {
        let given = match self {
            Tensors::InOrder(values) => return Ok(values),
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
/// arrays by name: `[("left", &a), ("right", &b)]`, or `(("text", &texts), ("age", &ages))` where they are of several
/// kinds. Inputs of strings take arrays and lists of strings; see [`IntoValues`].
pub trait IntoTensors {
    /// The arrays.
    fn into_tensors(self) -> Tensors;
}

impl<T: IntoValues> IntoTensors for T {
    fn into_tensors(self) -> Tensors {
        Tensors::InOrder(vec![self.into_values()])
    }
}

impl IntoTensors for Tensors {
    fn into_tensors(self) -> Tensors {
        self
    }
}

impl IntoTensors for Vec<Tensor> {
    fn into_tensors(self) -> Tensors {
        Tensors::InOrder(self.into_iter().map(IntoValues::into_values).collect())
    }
}

impl IntoTensors for Vec<Values> {
    fn into_tensors(self) -> Tensors {
        Tensors::InOrder(self)
    }
}

/// Tuples of arrays, and of arrays with their names.
macro_rules! tuples {
    ($(($($array:ident $number:tt),+))*) => {$(
        impl<$($array: IntoValues),+> IntoTensors for ($($array,)+) {
            fn into_tensors(self) -> Tensors {
                Tensors::InOrder(vec![$(self.$number.into_values()),+])
            }
        }

        impl<$($array: IntoValues),+> IntoTensors for ($((&str, $array),)+) {
            fn into_tensors(self) -> Tensors {
                Tensors::ByName(vec![$((self.$number.0.to_string(), self.$number.1.into_values())),+])
            }
        }
    )*};
}

tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}

impl<T: IntoValues, const N: usize> IntoTensors for [(&str, T); N] {
    fn into_tensors(self) -> Tensors {
        Tensors::ByName(self.into_iter().map(|(name, x)| (name.to_string(), x.into_values())).collect())
    }
}
