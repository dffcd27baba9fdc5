//! Training: compile, fit, evaluate, predict.

mod arrays;
mod batches;
mod compile;
mod evaluate;
mod fit;
mod logs;
mod predict;
mod running;
mod step;

pub use arrays::IntoTensor;
pub use compile::Compile;
pub use evaluate::Evaluate;
pub use fit::{Fit, Verbose};
pub use logs::Logs;

pub(crate) use arrays::to_array;
pub(crate) use batches::Dataset;
pub(crate) use compile::Compiled;
