//! The elements of a tensor as text: numbers apart by spaces, exact in both directions.

use std::str::FromStr;

use crate::tensor::{Data, Tensor};
use crate::types::{DType, Type};

/// One number may stand for all elements of a tensor up to this size: a text must not take more memory than its
/// length suggests. Larger ones are written as the broadcast of a scalar.
const LARGEST_REPEAT: usize = 1 << 16;

/// The elements in row-major order, each in the shortest form that reads back the same.
pub fn print(tensor: &Tensor) -> String {
    fn join<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
        items.iter().map(show).collect::<Vec<_>>().join(" ")
    }
    match tensor.data() {
        Data::F32(v) => join(v, |x| short(format!("{x:?}"))),
        Data::F64(v) => join(v, |x| short(format!("{x:?}"))),
        Data::BF16(v) => join(v, |x| short(format!("{:?}", x.to_f32()))),
        Data::F16(v) => join(v, |x| short(format!("{:?}", x.to_f32()))),
        Data::I32(v) => join(v, i32::to_string),
        Data::I64(v) => join(v, i64::to_string),
        Data::U8(v) => join(v, u8::to_string),
        Data::U32(v) => join(v, u32::to_string),
        Data::Bool(v) => join(v, bool::to_string),
    }
}

/// Rust's own shortest form, but `1` instead of `1.0`.
fn short(mut number: String) -> String {
    if number.ends_with(".0") {
        number.truncate(number.len() - 2);
    }
    number
}

/// Reads what [`print()`] writes. One number stands for all elements.
pub fn parse(ty: &Type, text: &str) -> Result<Tensor, String> {
    parse_words(ty, &text.split_whitespace().collect::<Vec<_>>())
}

/// Reads elements that stand apart already.
pub(crate) fn parse_words(ty: &Type, words: &[&str]) -> Result<Tensor, String> {
    let elements = ty.elements();
    let repeats = words.len() == 1 && elements <= LARGEST_REPEAT;
    if words.len() != elements && !repeats {
        return Err(format!("{ty} has {elements} elements, but {} are written", words.len()));
    }
    let times = if repeats { elements } else { 1 };
    if ty.dtype.is_float() {
        let values: Result<Vec<f64>, String> = words.iter().map(|word| float(ty.dtype, word)).collect();
        Ok(Tensor::from_floats(ty, values?.repeat(times)))
    } else {
        let values: Result<Vec<i64>, String> = words.iter().map(|word| whole(ty.dtype, word)).collect();
        Ok(Tensor::from_integers(ty, values?.repeat(times)))
    }
}

/// Reads an f32 as such: by way of an f64 it would be rounded twice.
fn float(dtype: DType, word: &str) -> Result<f64, String> {
    if dtype == DType::F32 { number::<f32, f64>(dtype, word) } else { number::<f64, f64>(dtype, word) }
}

fn whole(dtype: DType, word: &str) -> Result<i64, String> {
    match dtype {
        DType::I32 => number::<i32, i64>(dtype, word),
        DType::I64 => number::<i64, i64>(dtype, word),
        DType::U8 => number::<u8, i64>(dtype, word),
        DType::U32 => number::<u32, i64>(dtype, word),
        DType::Bool => number::<bool, i64>(dtype, word),
        DType::F32 | DType::F64 | DType::BF16 | DType::F16 => unreachable!("read as floats"),
    }
}

fn number<T: FromStr, Wide: From<T>>(dtype: DType, word: &str) -> Result<Wide, String> {
    word.parse::<T>().map(Wide::from).map_err(|_| format!("`{word}` is no {dtype}"))
}
