//! Tensors as bytes, little-endian, whatever the machine is.

use std::io::{Read, Result, Write};

use cornu_ir::{DType, Data, Element, Tensor, Type, bf16, f16};

/// Elements written at a time.
const CHUNK: usize = 16 << 10;

/// Number of bytes of a tensor of this type; `None` if no memory holds it.
pub(super) fn size(ty: &Type) -> Option<u64> {
    let width = match ty.dtype {
        DType::F64 | DType::I64 => 8u64,
        DType::F32 | DType::I32 | DType::U32 => 4,
        DType::BF16 | DType::F16 => 2,
        DType::U8 | DType::Bool => 1,
    };
    ty.shape.iter().try_fold(width, |size, &axis| size.checked_mul(axis as u64))
}

/// Writes the elements of a tensor.
pub(super) fn write(tensor: &Tensor, out: &mut impl Write) -> Result<()> {
    fn all<T: Copy, const N: usize>(
        items: &[T],
        out: &mut impl Write,
        bytes: fn(T) -> [u8; N],
    ) -> Result<()> {
        items.chunks(CHUNK).try_for_each(|chunk| {
            let chunk: Vec<u8> = chunk.iter().flat_map(|&item| bytes(item)).collect();
            out.write_all(&chunk)
        })
    }
    match tensor.data() {
        Data::F32(items) => all(items, out, f32::to_le_bytes),
        Data::F64(items) => all(items, out, f64::to_le_bytes),
        Data::BF16(items) => all(items, out, bf16::to_le_bytes),
        Data::F16(items) => all(items, out, f16::to_le_bytes),
        Data::I32(items) => all(items, out, i32::to_le_bytes),
        Data::I64(items) => all(items, out, i64::to_le_bytes),
        Data::U8(items) => out.write_all(items),
        Data::U32(items) => all(items, out, u32::to_le_bytes),
        Data::Bool(items) => all(items, out, |item| [u8::from(item)]),
    }
}

/// Reads a tensor of this type. Its size must be known to be there.
pub(super) fn read(ty: &Type, from: &mut impl Read) -> Result<Tensor> {
    fn all<T: Element, const N: usize>(
        ty: &Type,
        from: &mut impl Read,
        item: fn([u8; N]) -> T,
    ) -> Result<Data> {
        let mut bytes = vec![0; ty.elements() * N];
        from.read_exact(&mut bytes)?;
        let (items, _) = bytes.as_chunks::<N>();
        Ok(T::wrap(items.iter().map(|&bytes| item(bytes)).collect()))
    }
    let data = match ty.dtype {
        DType::F32 => all(ty, from, f32::from_le_bytes)?,
        DType::F64 => all(ty, from, f64::from_le_bytes)?,
        DType::BF16 => all(ty, from, bf16::from_le_bytes)?,
        DType::F16 => all(ty, from, f16::from_le_bytes)?,
        DType::I32 => all(ty, from, i32::from_le_bytes)?,
        DType::I64 => all(ty, from, i64::from_le_bytes)?,
        DType::U8 => all(ty, from, |[byte]| byte)?,
        DType::U32 => all(ty, from, u32::from_le_bytes)?,
        DType::Bool => all(ty, from, |[byte]| byte != 0)?,
    };
    match Tensor::from_data(ty.shape.clone(), data) {
        Some(tensor) => Ok(tensor),
        None => unreachable!("as many elements as the type has"),
    }
}
