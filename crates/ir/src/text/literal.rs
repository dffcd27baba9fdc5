//! The elements of a tensor as text: numbers apart by spaces, exact in both directions.

use crate::tensor::{Data, Tensor};
use crate::types::{DType, Type};

/// The elements in row-major order, each in the shortest form that reads back the same.
pub fn print(tensor: &Tensor) -> String {
    fn join<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
        items.iter().map(show).collect::<Vec<_>>().join(" ")
    }
    match tensor.data() {
        Data::F32(v) => join(v, f32::to_string),
        Data::F64(v) => join(v, f64::to_string),
        Data::BF16(v) => join(v, |x| x.to_f32().to_string()),
        Data::F16(v) => join(v, |x| x.to_f32().to_string()),
        Data::I32(v) => join(v, i32::to_string),
        Data::I64(v) => join(v, i64::to_string),
        Data::U8(v) => join(v, u8::to_string),
        Data::U32(v) => join(v, u32::to_string),
        Data::Bool(v) => join(v, bool::to_string),
    }
}

/// Reads what [`print`] writes. One number stands for all elements.
pub fn parse(ty: &Type, text: &str) -> Result<Tensor, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let elements = ty.elements();
    if words.len() == 1 && elements != 1 {
        words = vec![words[0]; elements];
    }
    if words.len() != elements {
        return Err(format!("{ty} has {elements} elements, but {} are written", words.len()));
    }
    if ty.dtype.is_float() {
        let values: Result<Vec<f64>, String> = words.iter().map(|word| number::<f64>(word)).collect();
        Ok(Tensor::from_floats(ty, values?))
    } else {
        let values: Result<Vec<i64>, String> = words.iter().map(|word| whole(ty.dtype, word)).collect();
        Ok(Tensor::from_integers(ty, values?))
    }
}

fn whole(dtype: DType, word: &str) -> Result<i64, String> {
    match (dtype, word) {
        (DType::Bool, "true") => Ok(1),
        (DType::Bool, "false") => Ok(0),
        (_, word) => number::<i64>(word),
    }
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{word}` is no number of this type"))
}
