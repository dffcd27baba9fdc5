//! A value in the host's memory: what goes into a program and what comes out of it.

use std::sync::Arc;

use half::{bf16, f16};

use crate::types::{DType, Shape, Type};

/// A dense array in row-major order.
///
/// Equality compares bits: a NaN equals the same NaN, and 0.0 differs from -0.0. Clones share the elements until one of
/// them is written.
#[derive(Clone, Debug)]
pub struct Tensor {
    shape: Shape,
    data: Arc<Data>,
}

/// The elements of a [`Tensor`], one variant for each [`DType`].
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    BF16(Vec<bf16>),
    F16(Vec<f16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U32(Vec<u32>),
    Bool(Vec<bool>),
}

/// Runs one expression with `$items` bound to the vector of whichever variant is present.
macro_rules! each {
    ($data:expr, $items:ident => $body:expr) => {
        match $data {
            Data::F32($items) => $body,
            Data::F64($items) => $body,
            Data::BF16($items) => $body,
            Data::F16($items) => $body,
            Data::I32($items) => $body,
            Data::I64($items) => $body,
            Data::U8($items) => $body,
            Data::U32($items) => $body,
            Data::Bool($items) => $body,
        }
    };
}

impl Data {
    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
            Data::BF16(_) => DType::BF16,
            Data::F16(_) => DType::F16,
            Data::I32(_) => DType::I32,
            Data::I64(_) => DType::I64,
            Data::U8(_) => DType::U8,
            Data::U32(_) => DType::U32,
            Data::Bool(_) => DType::Bool,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        each!(self, items => items.len())
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A Rust type that is the element of a tensor.
pub trait Element: Copy + Send + Sync + 'static {
    /// The element type it stands for.
    const DTYPE: DType;
    /// Wraps elements.
    fn wrap(items: Vec<Self>) -> Data;
    /// The elements, if they are of this type.
    fn peek(data: &Data) -> Option<&[Self]>;
    /// The elements, to be written, if they are of this type.
    fn peek_mut(data: &mut Data) -> Option<&mut [Self]>;
}

/// Says that a Rust type is the element of one variant of [`Data`].
macro_rules! element {
    ($($rust:ty => $variant:ident),*) => {$(
        impl Element for $rust {
            const DTYPE: DType = DType::$variant;
            fn wrap(items: Vec<Self>) -> Data {
                Data::$variant(items)
            }
            fn peek(data: &Data) -> Option<&[Self]> {
                if let Data::$variant(items) = data { Some(items) } else { None }
            }
            fn peek_mut(data: &mut Data) -> Option<&mut [Self]> {
                if let Data::$variant(items) = data { Some(items) } else { None }
            }
        }
    )*};
}

element!(f32 => F32, f64 => F64, bf16 => BF16, f16 => F16, i32 => I32, i64 => I64, u8 => U8, u32 => U32, bool => Bool);

impl Tensor {
    /// A tensor of `shape` over `items`; `None` when their number differs from the shape's.
    pub fn new<T: Element>(shape: impl Into<Shape>, items: Vec<T>) -> Option<Tensor> {
        Tensor::from_data(shape, T::wrap(items))
    }

    /// A tensor of `shape` over `data`; `None` when the number of elements differs from the shape's.
    pub fn from_data(shape: impl Into<Shape>, data: Data) -> Option<Tensor> {
        let shape = shape.into();
        (shape.elements() == data.len()).then(|| Tensor { shape, data: Arc::new(data) })
    }

    /// A tensor without axes.
    pub fn scalar<T: Element>(item: T) -> Tensor {
        Tensor { shape: Shape::scalar(), data: Arc::new(T::wrap(vec![item])) }
    }

    /// A tensor of one axis.
    pub fn vector<T: Element>(items: Vec<T>) -> Tensor {
        Tensor { shape: Shape::from([items.len()]), data: Arc::new(T::wrap(items)) }
    }

    /// All zeros (`false` for `bool`).
    pub fn zeros(ty: &Type) -> Tensor {
        let n = ty.elements();
        let data = match ty.dtype {
            DType::F32 => Data::F32(vec![0.0; n]),
            DType::F64 => Data::F64(vec![0.0; n]),
            DType::BF16 => Data::BF16(vec![bf16::ZERO; n]),
            DType::F16 => Data::F16(vec![f16::ZERO; n]),
            DType::I32 => Data::I32(vec![0; n]),
            DType::I64 => Data::I64(vec![0; n]),
            DType::U8 => Data::U8(vec![0; n]),
            DType::U32 => Data::U32(vec![0; n]),
            DType::Bool => Data::Bool(vec![false; n]),
        };
        Tensor { shape: ty.shape.clone(), data: Arc::new(data) }
    }

    /// Numbers rounded to `ty`'s element type. For integer types see [`Tensor::from_integers`].
    ///
    /// # Panics
    /// When the number of values is not the type's.
    pub fn from_floats(ty: &Type, values: impl IntoIterator<Item = f64>) -> Tensor {
        let values = values.into_iter();
        let data = match ty.dtype {
            DType::F32 => Data::F32(values.map(|v| v as f32).collect()),
            DType::F64 => Data::F64(values.collect()),
            DType::BF16 => Data::BF16(values.map(bf16::from_f64).collect()),
            DType::F16 => Data::F16(values.map(f16::from_f64).collect()),
            DType::I32 => Data::I32(values.map(|v| v as i32).collect()),
            DType::I64 => Data::I64(values.map(|v| v as i64).collect()),
            DType::U8 => Data::U8(values.map(|v| v as u8).collect()),
            DType::U32 => Data::U32(values.map(|v| v as u32).collect()),
            DType::Bool => Data::Bool(values.map(|v| v != 0.0).collect()),
        };
        Tensor::from_data(ty.shape.clone(), data).expect("as many values as the type has elements")
    }

    /// Whole numbers wrapped to `ty`'s element type.
    ///
    /// # Panics
    /// When the number of values is not the type's.
    pub fn from_integers(ty: &Type, values: impl IntoIterator<Item = i64>) -> Tensor {
        let values = values.into_iter();
        let data = match ty.dtype {
            DType::F32 => Data::F32(values.map(|v| v as f32).collect()),
            DType::F64 => Data::F64(values.map(|v| v as f64).collect()),
            DType::BF16 => Data::BF16(values.map(|v| bf16::from_f64(v as f64)).collect()),
            DType::F16 => Data::F16(values.map(|v| f16::from_f64(v as f64)).collect()),
            DType::I32 => Data::I32(values.map(|v| v as i32).collect()),
            DType::I64 => Data::I64(values.collect()),
            DType::U8 => Data::U8(values.map(|v| v as u8).collect()),
            DType::U32 => Data::U32(values.map(|v| v as u32).collect()),
            DType::Bool => Data::Bool(values.map(|v| v != 0).collect()),
        };
        Tensor::from_data(ty.shape.clone(), data).expect("as many values as the type has elements")
    }

    /// Element type and shape.
    pub fn ty(&self) -> Type {
        Type { dtype: self.dtype(), shape: self.shape.clone() }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// Size of every axis.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The elements, to be overwritten.
    pub fn data_mut(&mut self) -> &mut Data {
        Arc::make_mut(&mut self.data)
    }

    /// The elements, by themselves; a copy if a clone of the tensor is still there.
    pub fn into_data(self) -> Data {
        Arc::unwrap_or_clone(self.data)
    }

    /// The elements, if they are of type `T`.
    pub fn items<T: Element>(&self) -> Option<&[T]> {
        T::peek(&self.data)
    }

    /// Every element as a 64-bit float, which is exact for all types but large 64-bit integers.
    pub fn floats(&self) -> Vec<f64> {
        match &*self.data {
            Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::F64(v) => v.clone(),
            Data::BF16(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::F16(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::I64(v) => v.iter().map(|&x| x as f64).collect(),
            Data::U8(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::U32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
        }
    }

    /// Every element as a 64-bit integer; floats are cut towards zero.
    pub fn integers(&self) -> Vec<i64> {
        match &*self.data {
            Data::F32(v) => v.iter().map(|&x| x as i64).collect(),
            Data::F64(v) => v.iter().map(|&x| x as i64).collect(),
            Data::BF16(v) => v.iter().map(|&x| x.to_f64() as i64).collect(),
            Data::F16(v) => v.iter().map(|&x| x.to_f64() as i64).collect(),
            Data::I32(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Data::I64(v) => v.clone(),
            Data::U8(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Data::U32(v) => v.iter().map(|&x| i64::from(x)).collect(),
            Data::Bool(v) => v.iter().map(|&x| i64::from(x)).collect(),
        }
    }

    /// The tensor of `shape` whose element `i` is element `source(i)` of this one; `None` reads zero.
    ///
    /// With [`Tensor::assembled`], this defines every op that only moves elements.
    pub fn rearranged(&self, shape: &Shape, source: impl Fn(usize) -> Option<usize>) -> Tensor {
        Tensor::assembled(&[self], shape, |i| source(i).map(|from| (0, from)))
    }

    /// The tensor of `shape` whose element `i` is element `j` of `parts[p]`, where `source(i)` is `(p, j)`.
    ///
    /// # Panics
    /// When the parts are not of one element type.
    pub fn assembled(
        parts: &[&Tensor],
        shape: &Shape,
        source: impl Fn(usize) -> Option<(usize, usize)>,
    ) -> Tensor {
        let n = shape.elements();
        let data = match parts[0].dtype() {
            DType::F32 => pick::<f32>(parts, n, source),
            DType::F64 => pick::<f64>(parts, n, source),
            DType::BF16 => pick::<bf16>(parts, n, source),
            DType::F16 => pick::<f16>(parts, n, source),
            DType::I32 => pick::<i32>(parts, n, source),
            DType::I64 => pick::<i64>(parts, n, source),
            DType::U8 => pick::<u8>(parts, n, source),
            DType::U32 => pick::<u32>(parts, n, source),
            DType::Bool => pick::<bool>(parts, n, source),
        };
        Tensor { shape: shape.clone(), data: Arc::new(data) }
    }

    /// The rows with these numbers, in this order: places along the first axis.
    ///
    /// # Panics
    /// When there is no first axis or no such row.
    pub fn rows(&self, rows: &[usize]) -> Tensor {
        let width = self.shape[1..].iter().product::<usize>();
        let data = match self.data() {
            Data::F32(v) => Data::F32(copied(v, width, rows)),
            Data::F64(v) => Data::F64(copied(v, width, rows)),
            Data::BF16(v) => Data::BF16(copied(v, width, rows)),
            Data::F16(v) => Data::F16(copied(v, width, rows)),
            Data::I32(v) => Data::I32(copied(v, width, rows)),
            Data::I64(v) => Data::I64(copied(v, width, rows)),
            Data::U8(v) => Data::U8(copied(v, width, rows)),
            Data::U32(v) => Data::U32(copied(v, width, rows)),
            Data::Bool(v) => Data::Bool(copied(v, width, rows)),
        };
        Tensor { shape: self.shape.with(0, rows.len()), data: Arc::new(data) }
    }

    /// The same elements under another shape; `None` when the number of elements differs.
    pub fn reshaped(&self, shape: impl Into<Shape>) -> Option<Tensor> {
        let shape = shape.into();
        (shape.elements() == self.data.len()).then(|| Tensor { shape, data: self.data.clone() })
    }

    /// The bits of every element, widened: the basis of equality and hashing.
    pub(crate) fn bits(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match &*self.data {
            Data::F32(v) => Box::new(v.iter().map(|x| u64::from(x.to_bits()))),
            Data::F64(v) => Box::new(v.iter().map(|x| x.to_bits())),
            Data::BF16(v) => Box::new(v.iter().map(|x| u64::from(x.to_bits()))),
            Data::F16(v) => Box::new(v.iter().map(|x| u64::from(x.to_bits()))),
            Data::I32(v) => Box::new(v.iter().map(|&x| x as u64)),
            Data::I64(v) => Box::new(v.iter().map(|&x| x as u64)),
            Data::U8(v) => Box::new(v.iter().map(|&x| u64::from(x))),
            Data::U32(v) => Box::new(v.iter().map(|&x| u64::from(x))),
            Data::Bool(v) => Box::new(v.iter().map(|&x| u64::from(x))),
        }
    }
}

/// Rows of `width` elements, one after another.
fn copied<T: Copy>(items: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    let mut copied = Vec::with_capacity(rows.len() * width);
    rows.iter().for_each(|&row| copied.extend_from_slice(&items[row * width..(row + 1) * width]));
    copied
}

fn pick<T: Element + Default>(
    parts: &[&Tensor],
    n: usize,
    source: impl Fn(usize) -> Option<(usize, usize)>,
) -> Data {
    let parts: Vec<&[T]> =
        parts.iter().map(|part| part.items().expect("parts of one element type")).collect();
    T::wrap((0..n).map(|i| source(i).map_or(T::default(), |(part, from)| parts[part][from])).collect())
}

impl PartialEq for Tensor {
    fn eq(&self, other: &Tensor) -> bool {
        self.dtype() == other.dtype() && self.shape == other.shape && self.bits().eq(other.bits())
    }
}

impl Eq for Tensor {}

impl std::hash::Hash for Tensor {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.dtype().hash(state);
        self.shape.hash(state);
        self.bits().for_each(|bits| bits.hash(state));
    }
}
