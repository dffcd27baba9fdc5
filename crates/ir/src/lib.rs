//! The tensor language.
pub mod tensor;
pub mod types;

pub use half::{bf16, f16};
pub use tensor::{Data, Element, Tensor};
pub use types::{DType, Shape, Type};
