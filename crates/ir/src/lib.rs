//! The tensor language.
pub mod backend;
pub mod builder;
pub mod derived;
pub mod error;
pub mod expr;
pub mod grad;
pub mod graph;
pub mod interpret;
pub mod op;
pub mod ops;
pub mod passes;
pub mod plan;
pub mod tensor;
pub mod testing;
pub mod text;
pub mod types;
pub mod verify;

pub use builder::Builder;
pub use expr::Expr;
pub use graph::{Graph, Node, Value};
pub use half::{bf16, f16};
pub use op::Op;
pub use tensor::{Data, Element, Tensor};
pub use types::{DType, Shape, Type};
