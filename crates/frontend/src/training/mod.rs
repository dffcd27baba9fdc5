//! Training: compile, fit, evaluate, predict.

mod arrays;
mod batches;
mod compile;
mod custom;
mod evaluate;
mod fit;
mod goals;
mod logs;
mod parts;
mod per_output;
mod predict;
mod profile;
mod running;
mod step;
mod tensors;
mod values;

pub use arrays::IntoTensor;
pub use compile::Compile;
pub use custom::{StepContext, StepOptimizer, TrainStep};
pub use evaluate::Evaluate;
pub use fit::{Fit, Verbose};
pub use logs::Logs;
pub use per_output::PerOutput;
pub use profile::{KernelProfile, Profile};
pub use tensors::{IntoTensors, Tensors};
pub use values::{IntoValues, Item, Strings, Values};

pub(crate) use arrays::to_array;
pub(crate) use batches::Dataset;
pub(crate) use compile::Compiled;
use running::filled;
