//! An array as it lies in a file, and its elements as a tensor of the type that is asked for.

use std::io::Read;

use cornu::{DType, Tensor, Type, f16};

use super::header::{self, Header, Kind};

/// An array whose elements are still the file's bytes.
#[derive(Debug)]
pub(crate) struct Array {
    kind: Kind,
    shape: Vec<usize>,
    /// Little-endian, last axis fastest.
    bytes: Vec<u8>,
}

/// Reads an array that is `length` bytes long with its header, and has to end there.
pub(crate) fn read(reader: &mut impl Read, length: u64) -> Result<Array, String> {
    let header = header::read(reader, length)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(header.data_bytes).map_err(|error| error.to_string())?;
    let taken =
        reader.take(header.data_bytes as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if taken != header.data_bytes {
        return Err("the file ends within its array".to_string());
    }
    // Also lets the reader of a zip member compare the checksum, which it does at the end.
    if reader.read(&mut [0]).map_err(|error| error.to_string())? != 0 {
        return Err("the file goes on after its array".to_string());
    }
    Ok(Array::new(header, bytes))
}

impl Array {
    fn new(header: Header, mut bytes: Vec<u8>) -> Array {
        let width = header.kind.bytes();
        if header.fortran_order && header.shape.len() > 1 {
            bytes = last_axis_fastest(&bytes, width, &header.shape);
        }
        if header.big_endian && width > 1 {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        Array { kind: header.kind, shape: header.shape, bytes }
    }

    /// Size of every axis.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type that Keras gives numbers of this kind when nobody asks for another one.
    pub(crate) fn natural(&self) -> DType {
        match self.kind {
            Kind::F16 | Kind::F32 | Kind::F64 => DType::F32,
            Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 | Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => {
                DType::I32
            }
            Kind::Bool => DType::Bool,
        }
    }

    /// The same elements under a shape of as many.
    pub(crate) fn reshaped(self, shape: Vec<usize>) -> Array {
        Array { shape, ..self }
    }

    /// The elements as numbers of type `dtype`: rounded, cut or wrapped as NumPy's `astype` does.
    pub(crate) fn tensor(&self, dtype: DType) -> Tensor {
        let ty = &Type::new(dtype, self.shape.as_slice());
        let bytes = self.bytes.as_slice();
        match self.kind {
            Kind::F32 if dtype == DType::F32 => {
                let items = items(bytes, f32::from_le_bytes).collect();
                Tensor::new(self.shape.as_slice(), items).expect("as many elements as the header said")
            }
            Kind::F16 => Tensor::from_floats(ty, items(bytes, f16::from_le_bytes).map(f64::from)),
            Kind::F32 => Tensor::from_floats(ty, items(bytes, f32::from_le_bytes).map(f64::from)),
            Kind::F64 => Tensor::from_floats(ty, items(bytes, f64::from_le_bytes)),
            Kind::Bool => Tensor::from_integers(ty, bytes.iter().map(|&byte| i64::from(byte != 0))),
            Kind::I8 => Tensor::from_integers(ty, items(bytes, i8::from_le_bytes).map(i64::from)),
            Kind::I16 => Tensor::from_integers(ty, items(bytes, i16::from_le_bytes).map(i64::from)),
            Kind::I32 => Tensor::from_integers(ty, items(bytes, i32::from_le_bytes).map(i64::from)),
            Kind::I64 => Tensor::from_integers(ty, items(bytes, i64::from_le_bytes)),
            Kind::U8 => Tensor::from_integers(ty, bytes.iter().copied().map(i64::from)),
            Kind::U16 => Tensor::from_integers(ty, items(bytes, u16::from_le_bytes).map(i64::from)),
            Kind::U32 => Tensor::from_integers(ty, items(bytes, u32::from_le_bytes).map(i64::from)),
            // Only here does the middle step through a signed number lose something.
            Kind::U64 if dtype.is_float() => {
                Tensor::from_floats(ty, items(bytes, u64::from_le_bytes).map(|item| item as f64))
            }
            Kind::U64 => Tensor::from_integers(ty, items(bytes, u64::from_le_bytes).map(|item| item as i64)),
        }
    }
}

fn items<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    bytes.chunks_exact(N).map(move |chunk| read(chunk.try_into().expect("chunks of N bytes")))
}

/// The elements of an array stored first axis fastest, in the order of last axis fastest.
fn last_axis_fastest(bytes: &[u8], width: usize, shape: &[usize]) -> Vec<u8> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(width, |stride, &size| Some(std::mem::replace(stride, *stride * size.max(1))))
        .collect();
    let mut ordered = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    let mut from = 0;
    while ordered.len() < bytes.len() {
        ordered.extend_from_slice(&bytes[from..from + width]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            from += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    ordered
}
