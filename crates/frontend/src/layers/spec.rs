//! Spec: the type of a value in a model whose batch size, and perhaps more, is not known yet.

use std::fmt;

use cornu_ir::{DType, Type};

use super::keras_dtype_name;

/// Element type and sizes; `None` is any size. Axis 0 is the batch. Written as Keras writes it: `(None, 784)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Type of every element; of strings, that of their bytes.
    pub dtype: DType,
    /// Size of every axis.
    pub shape: Vec<Option<usize>>,
    is_text: bool,
}

impl Spec {
    /// A spec of these sizes.
    pub fn new(dtype: DType, shape: impl Into<Vec<Option<usize>>>) -> Spec {
        Spec { dtype, shape: shape.into(), is_text: false }
    }

    /// A spec of strings, which stay on the host: see [`super::HostLayer`].
    pub fn text(shape: impl Into<Vec<Option<usize>>>) -> Spec {
        Spec { dtype: DType::U8, shape: shape.into(), is_text: true }
    }

    /// True for strings.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// Keras's name of the element type: `float32`, `string`.
    pub fn dtype_name(&self) -> &'static str {
        if self.is_text { "string" } else { keras_dtype_name(self.dtype) }
    }

    /// The spec of values of this type alone.
    pub fn of(ty: &Type) -> Spec {
        Spec::new(ty.dtype, ty.shape.iter().map(|&size| Some(size)).collect::<Vec<_>>())
    }

    /// Number of axes, the batch included.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The size of the last axis, if it is known.
    pub fn last(&self) -> Option<usize> {
        self.shape.last().copied().flatten()
    }

    /// The type with every unknown size replaced by `size`.
    pub(crate) fn with_unknown(&self, size: usize) -> Type {
        Type::new(self.dtype, self.shape.iter().map(|known| known.unwrap_or(size)).collect::<Vec<_>>())
    }

    /// What two types have in common that differ only where sizes are unknown.
    pub(crate) fn common(a: &Type, b: &Type) -> Spec {
        let size = |(&a, &b): (&usize, &usize)| (a == b).then_some(a);
        Spec::new(a.dtype, a.shape.iter().zip(b.shape.iter()).map(size).collect::<Vec<_>>())
    }

    /// True if a value of this type may be given, whatever its element type.
    pub fn admits(&self, ty: &Type) -> bool {
        self.admits_shape(&ty.shape)
    }

    /// True if a value of this shape may be given.
    pub(crate) fn admits_shape(&self, shape: &[usize]) -> bool {
        let fits = |(known, &size): (&Option<usize>, &usize)| known.is_none_or(|known| known == size);
        self.rank() == shape.len() && self.shape.iter().zip(shape).all(fits)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (axis, size) in self.shape.iter().enumerate() {
            let comma = if axis == 0 { "" } else { ", " };
            match size {
                Some(size) => write!(f, "{comma}{size}")?,
                None => write!(f, "{comma}None")?,
            }
        }
        f.write_str(if self.shape.len() == 1 { ",)" } else { ")" })
    }
}
