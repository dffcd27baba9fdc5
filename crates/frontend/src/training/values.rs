//! Values: what a model is given for one input, numbers or strings.

use cornu_ir::{Element, Tensor, bf16, f16};
use ndarray::{ArrayBase, Dimension, RawData};

use super::IntoTensor;

/// An array for one input of a model.
#[derive(Clone, Debug)]
pub enum Values {
    /// Numbers.
    Numbers(Tensor),
    /// Strings, for an input of strings.
    Strings(Strings),
}

/// An array of strings. They never reach the device: layers on the host make numbers of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strings {
    shape: Vec<usize>,
    items: Vec<String>,
}

impl Strings {
    /// Strings in row-major order; `None` unless they are as many as the shape says.
    pub fn new(shape: impl Into<Vec<usize>>, items: Vec<String>) -> Option<Strings> {
        let shape = shape.into();
        let size = shape.iter().try_fold(1usize, |size, &axis| size.checked_mul(axis));
        (size == Some(items.len())).then_some(Strings { shape, items })
    }

    /// Size of every axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The strings, in row-major order.
    pub fn items(&self) -> &[String] {
        &self.items
    }

    /// The rows with these numbers, in this order.
    fn gather(&self, rows: &[usize]) -> Strings {
        let width: usize = self.shape.iter().skip(1).product();
        let row = |&row: &usize| &self.items[row * width..(row + 1) * width];
        let shape = [rows.len()].into_iter().chain(self.shape.iter().skip(1).copied()).collect();
        Strings { shape, items: rows.iter().flat_map(row).cloned().collect() }
    }
}

impl Values {
    /// Size of every axis, samples first.
    pub fn shape(&self) -> &[usize] {
        match self {
            Values::Numbers(tensor) => tensor.shape(),
            Values::Strings(strings) => strings.shape(),
        }
    }

    /// Type and shape, for errors.
    pub(crate) fn described(&self) -> String {
        match self {
            Values::Numbers(tensor) => tensor.ty().to_string(),
            Values::Strings(strings) => {
                let sizes: Vec<String> = strings.shape.iter().map(usize::to_string).collect();
                format!("string[{}]", sizes.join(", "))
            }
        }
    }

    /// The same elements in another shape; `None` if it has another number of them.
    pub(crate) fn reshaped(self, shape: Vec<usize>) -> Option<Values> {
        match self {
            Values::Numbers(tensor) => tensor.reshaped(shape).map(Values::Numbers),
            Values::Strings(strings) => Strings::new(shape, strings.items).map(Values::Strings),
        }
    }

    /// The rows with these numbers, in this order.
    pub(super) fn gather(&self, rows: &[usize]) -> Values {
        match self {
            Values::Numbers(tensor) => Values::Numbers(tensor.rows(rows)),
            Values::Strings(strings) => Values::Strings(strings.gather(rows)),
        }
    }
}

impl From<Tensor> for Values {
    fn from(tensor: Tensor) -> Values {
        Values::Numbers(tensor)
    }
}

impl From<Strings> for Values {
    fn from(strings: Strings) -> Values {
        Values::Strings(strings)
    }
}

/// What an array or a list given as data may hold: a number or a string.
pub trait Item: Clone {
    /// These items, in row-major order, as many as the shape says.
    fn values(shape: &[usize], items: Vec<Self>) -> Values;
}

fn numbers<T: Element>(shape: &[usize], items: Vec<T>) -> Values {
    match Tensor::new(shape, items) {
        Some(tensor) => Values::Numbers(tensor.into_tensor()),
        None => unreachable!("an array has as many elements as its shape says"),
    }
}

fn strings(shape: &[usize], items: Vec<String>) -> Values {
    match Strings::new(shape, items) {
        Some(strings) => Values::Strings(strings),
        None => unreachable!("an array has as many elements as its shape says"),
    }
}

macro_rules! number_items {
    ($($number:ty)*) => {$(
        impl Item for $number {
            fn values(shape: &[usize], items: Vec<$number>) -> Values {
                numbers(shape, items)
            }
        }
    )*};
}

number_items!(f32 f64 bf16 f16 i32 i64 u8 u32 bool);

impl Item for String {
    fn values(shape: &[usize], items: Vec<String>) -> Values {
        strings(shape, items)
    }
}

impl Item for &str {
    fn values(shape: &[usize], items: Vec<&str>) -> Values {
        strings(shape, items.into_iter().map(String::from).collect())
    }
}

impl Item for &String {
    fn values(shape: &[usize], items: Vec<&String>) -> Values {
        strings(shape, items.into_iter().cloned().collect())
    }
}

/// What can be given for one input of a model: arrays and lists of numbers or strings, and tensors.
///
/// A list is an array of one axis: `["a text", "another"]` are two samples. As in Keras, 64-bit floats become 32-bit
/// ones and whole numbers stay what they are.
pub trait IntoValues {
    /// The values in row-major order.
    fn into_values(self) -> Values;
}

impl IntoValues for Values {
    fn into_values(self) -> Values {
        self
    }
}

impl IntoValues for Strings {
    fn into_values(self) -> Values {
        Values::Strings(self)
    }
}

impl IntoValues for Tensor {
    fn into_values(self) -> Values {
        Values::Numbers(self.into_tensor())
    }
}

impl IntoValues for &Tensor {
    fn into_values(self) -> Values {
        Values::Numbers(self.into_tensor())
    }
}

impl<S, D> IntoValues for &ArrayBase<S, D>
where
    S: ndarray::Data,
    <S as RawData>::Elem: Item,
    D: Dimension,
{
    fn into_values(self) -> Values {
        Item::values(self.shape(), self.iter().cloned().collect())
    }
}

impl<S, D> IntoValues for ArrayBase<S, D>
where
    S: ndarray::Data,
    <S as RawData>::Elem: Item,
    D: Dimension,
{
    fn into_values(self) -> Values {
        (&self).into_values()
    }
}

impl<T: Item> IntoValues for Vec<T> {
    fn into_values(self) -> Values {
        Item::values(&[self.len()], self)
    }
}

impl<T: Item> IntoValues for &[T] {
    fn into_values(self) -> Values {
        self.to_vec().into_values()
    }
}

impl<T: Item> IntoValues for &Vec<T> {
    fn into_values(self) -> Values {
        self.as_slice().into_values()
    }
}

impl<T: Item, const N: usize> IntoValues for [T; N] {
    fn into_values(self) -> Values {
        Vec::from(self).into_values()
    }
}

impl<T: Item, const N: usize> IntoValues for &[T; N] {
    fn into_values(self) -> Values {
        self.as_slice().into_values()
    }
}
