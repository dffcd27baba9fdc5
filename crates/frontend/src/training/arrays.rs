//! Arrays: ndarray in, ndarray out.

use cornu_ir::{DType, Data, Element, Tensor};
use ndarray::{ArrayBase, ArrayD, Dimension, IxDyn, RawData};

use super::{IntoValues, Item};
use crate::error::{Error, Result};
use crate::layers::{DTypePolicy, dtype_policy};

/// What can be given as numbers: arrays of numbers, and tensors.
///
/// As in Keras, 64-bit floats become 32-bit ones and whole numbers stay what they are. Under the policy `float64` of
/// all layers ([`crate::set_dtype_policy`]) they stay what they are, too.
pub trait IntoTensor: IntoValues {
    /// The numbers in row-major order.
    fn into_tensor(self) -> Tensor;
}

impl IntoTensor for Tensor {
    fn into_tensor(self) -> Tensor {
        narrowed(self)
    }
}

impl IntoTensor for &Tensor {
    fn into_tensor(self) -> Tensor {
        narrowed(self.clone())
    }
}

impl<S, D> IntoTensor for &ArrayBase<S, D>
where
    S: ndarray::Data,
    <S as RawData>::Elem: Element + Item,
    D: Dimension,
{
    fn into_tensor(self) -> Tensor {
        let items: Vec<S::Elem> = self.iter().copied().collect();
        match Tensor::new(self.shape(), items) {
            Some(tensor) => narrowed(tensor),
            None => unreachable!("an array has as many elements as its shape says"),
        }
    }
}

impl<S, D> IntoTensor for ArrayBase<S, D>
where
    S: ndarray::Data,
    <S as RawData>::Elem: Element + Item,
    D: Dimension,
{
    fn into_tensor(self) -> Tensor {
        (&self).into_tensor()
    }
}

impl<T: Element + Item> IntoTensor for Vec<T> {
    fn into_tensor(self) -> Tensor {
        narrowed(Tensor::vector(self))
    }
}

/// Keras computes in 32 bits.
fn narrowed(tensor: Tensor) -> Tensor {
    match tensor.dtype() {
        DType::F64 if dtype_policy() == DTypePolicy::of(DType::F64) => tensor,
        DType::F64 => Tensor::from_floats(&tensor.ty().with_dtype(DType::F32), tensor.floats()),
        DType::F32
        | DType::BF16
        | DType::F16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U32
        | DType::Bool => tensor,
    }
}

/// The tensor as an array of 32-bit floats.
pub(crate) fn to_array(tensor: Tensor) -> Result<ArrayD<f32>> {
    let shape = IxDyn(tensor.shape());
    let items = match tensor.dtype() {
        DType::F32 => match tensor.into_data() {
            Data::F32(items) => items,
            other => unreachable!("the elements are f32, not {}", other.dtype()),
        },
        DType::F64
        | DType::BF16
        | DType::F16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U32
        | DType::Bool => tensor.floats().into_iter().map(|x| x as f32).collect(),
    };
    ArrayD::from_shape_vec(shape, items).map_err(|error| Error::Data { what: error.to_string() })
}
