//! Stored bytes to the elements of a tensor of the demanded type.

use cornu_ir::{DType, Data, Element as _, Tensor, Type, bf16, f16};
use hdf5_reader::ByteOrder;

use super::element::{Element, Number};

/// The tensor of type `ty` that `bytes` spell: `None` unless there are exactly as many elements as `ty` has.
///
/// Floats are rounded, integers wrapped, `bool` is everything but zero. Elements that already have the demanded type
/// keep their bits.
pub(super) fn tensor(ty: &Type, element: Element, bytes: &[u8]) -> Option<Tensor> {
    let width = element.number.bytes();
    if ty.elements().checked_mul(width)? != bytes.len() {
        return None;
    }
    match same_bits(ty.dtype, element, bytes) {
        Some(data) => Tensor::from_data(ty.shape.clone(), data),
        None => Some(converted(ty, element, bytes)),
    }
}

/// Elements that need no conversion.
fn same_bits(dtype: DType, Element { number, order }: Element, bytes: &[u8]) -> Option<Data> {
    Some(match (dtype, number) {
        (DType::F32, Number::F32) => f32::wrap(items(bytes, order, f32::from_le_bytes)),
        (DType::F64, Number::F64) => f64::wrap(items(bytes, order, f64::from_le_bytes)),
        (DType::F16, Number::F16) => f16::wrap(items(bytes, order, f16::from_le_bytes)),
        (DType::BF16, Number::BF16) => bf16::wrap(items(bytes, order, bf16::from_le_bytes)),
        (DType::I32, Number::I32) => i32::wrap(items(bytes, order, i32::from_le_bytes)),
        (DType::I64, Number::I64) => i64::wrap(items(bytes, order, i64::from_le_bytes)),
        (DType::U8, Number::U8) => u8::wrap(bytes.to_vec()),
        (DType::U32, Number::U32) => u32::wrap(items(bytes, order, u32::from_le_bytes)),
        (DType::Bool, Number::Bool) => bool::wrap(bytes.iter().map(|&b| b != 0).collect()),
        (_, _) => return None,
    })
}

fn converted(ty: &Type, Element { number, order }: Element, bytes: &[u8]) -> Tensor {
    match number {
        Number::F16 => Tensor::from_floats(ty, each(bytes, order, |b| f16::from_le_bytes(b).to_f64())),
        Number::BF16 => Tensor::from_floats(ty, each(bytes, order, |b| bf16::from_le_bytes(b).to_f64())),
        Number::F32 => Tensor::from_floats(ty, each(bytes, order, |b| f64::from(f32::from_le_bytes(b)))),
        Number::F64 => Tensor::from_floats(ty, each(bytes, order, f64::from_le_bytes)),
        Number::I8 => Tensor::from_integers(ty, each(bytes, order, |b| i64::from(i8::from_le_bytes(b)))),
        Number::I16 => Tensor::from_integers(ty, each(bytes, order, |b| i64::from(i16::from_le_bytes(b)))),
        Number::I32 => Tensor::from_integers(ty, each(bytes, order, |b| i64::from(i32::from_le_bytes(b)))),
        Number::I64 => Tensor::from_integers(ty, each(bytes, order, i64::from_le_bytes)),
        Number::U8 => Tensor::from_integers(ty, bytes.iter().map(|&b| i64::from(b))),
        Number::U16 => Tensor::from_integers(ty, each(bytes, order, |b| i64::from(u16::from_le_bytes(b)))),
        Number::U32 => Tensor::from_integers(ty, each(bytes, order, |b| i64::from(u32::from_le_bytes(b)))),
        // Above the signed range the float is right and the integer would have to wrap anyway.
        Number::U64 if ty.dtype.is_float() => {
            Tensor::from_floats(ty, each(bytes, order, |b| u64::from_le_bytes(b) as f64))
        }
        Number::U64 => Tensor::from_integers(ty, each(bytes, order, |b| u64::from_le_bytes(b) as i64)),
        Number::Bool => Tensor::from_integers(ty, bytes.iter().map(|&b| i64::from(b != 0))),
    }
}

fn items<T, const N: usize>(bytes: &[u8], order: ByteOrder, decode: fn([u8; N]) -> T) -> Vec<T> {
    each(bytes, order, decode).collect()
}

/// Every group of `N` bytes, decoded. Big-endian groups are turned around first.
fn each<T, const N: usize>(
    bytes: &[u8],
    order: ByteOrder,
    decode: impl Fn([u8; N]) -> T,
) -> impl Iterator<Item = T> {
    bytes.as_chunks::<N>().0.iter().map(move |&group| {
        let mut group = group;
        if order == ByteOrder::BigEndian {
            group.reverse();
        }
        decode(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dtype: DType, number: Number, order: ByteOrder, bytes: &[u8]) -> Tensor {
        let ty = Type::new(dtype, [bytes.len() / number.bytes()]);
        tensor(&ty, Element { number, order }, bytes).expect("whole elements")
    }

    #[test]
    fn both_byte_orders() {
        let ones = Tensor::vector(vec![1.0f32]);
        let little = ByteOrder::LittleEndian;
        let big = ByteOrder::BigEndian;
        assert_eq!(read(DType::F32, Number::F32, little, &[0, 0, 0x80, 0x3f]), ones);
        assert_eq!(read(DType::F32, Number::F32, big, &[0x3f, 0x80, 0, 0]), ones);
        assert_eq!(read(DType::F32, Number::F16, big, &[0x3c, 0]), ones);
        assert_eq!(read(DType::F32, Number::BF16, little, &[0x80, 0x3f]), ones);
        assert_eq!(read(DType::F32, Number::I16, big, &[0, 1]), ones);
        assert_eq!(read(DType::F32, Number::U64, little, &[1, 0, 0, 0, 0, 0, 0, 0]), ones);
    }

    #[test]
    fn elements_of_the_demanded_type_keep_their_bits() {
        let signalling = [1, 0, 0xa0, 0x7f];
        let read = read(DType::F32, Number::F32, ByteOrder::LittleEndian, &signalling);
        assert_eq!(read.items::<f32>().map(|v| v[0].to_bits()), Some(0x7fa0_0001));
    }

    #[test]
    fn a_wrong_number_of_bytes_is_no_tensor() {
        let element = Element { number: Number::F32, order: ByteOrder::LittleEndian };
        assert!(tensor(&Type::new(DType::F32, [2]), element, &[0; 7]).is_none());
        assert!(tensor(&Type::new(DType::F32, [usize::MAX, 2]), element, &[0; 8]).is_none());
    }
}
