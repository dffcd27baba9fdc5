//! Spec: the type of a value in a model whose batch size, and perhaps more, is not known yet.

use std::fmt;

use cornu_ir::{DType, Type};

/// Element type and sizes; `None` is any size. Axis 0 is the batch. Written as Keras writes it: `(None, 784)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Type of every element.
    pub dtype: DType,
    /// Size of every axis.
    pub shape: Vec<Option<usize>>,
}

impl Spec {
    /// A spec of these sizes.
    pub fn new(dtype: DType, shape: impl Into<Vec<Option<usize>>>) -> Spec {
        Spec { dtype, shape: shape.into() }
    }

    /// The spec of values of this type alone.
    pub fn of(ty: &Type) -> Spec {
        Spec { dtype: ty.dtype, shape: ty.shape.iter().map(|&size| Some(size)).collect() }
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
        Spec { dtype: a.dtype, shape: a.shape.iter().zip(b.shape.iter()).map(size).collect() }
    }

    /// True if a value of this type may be given, whatever its element type.
    pub fn admits(&self, ty: &Type) -> bool {
        self.rank() == ty.shape.rank()
            && self
                .shape
                .iter()
                .zip(ty.shape.iter())
                .all(|(known, &size)| known.is_none_or(|known| known == size))
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
