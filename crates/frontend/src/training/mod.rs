//! Training: compile, fit, evaluate, predict.

mod admission;
mod arrays;
mod bad_step;
mod batches;
mod check_gradients;
mod class_weight;
mod compile;
mod evaluate;
mod feed;
mod fit;
mod goals;
mod guard;
mod learning_rate;
mod logs;
mod on_batch;
mod parts;
mod per_output;
mod predict;
mod profile;
mod running;
mod state;
mod step;
mod stream;
mod tensors;
mod values;

pub use arrays::IntoTensor;
pub use bad_step::BadStep;
pub use compile::Compile;
pub use evaluate::Evaluate;
pub use fit::{Fit, ValidationFreq, Verbose};
pub use logs::Logs;
pub use per_output::PerOutput;
pub use predict::Predict;
pub use profile::{KernelProfile, Profile};
pub use stream::{Batch, Batches, Give, IntoBatch, Stream};
pub use tensors::{IntoTensors, Tensors};
pub use values::{IntoValues, Item, Strings, Values};

pub(crate) use arrays::to_array;
pub(crate) use batches::Dataset;
pub(crate) use class_weight::ClassWeight;
pub(crate) use compile::Compiled;
pub(crate) use evaluate::evaluate_feed;
pub(crate) use feed::FeedPosition;
