//! Keras for Rust.
#![forbid(unsafe_code)]

pub mod activations;
pub mod callbacks;
pub mod config;
pub mod constraints;
mod device;
pub mod error;
pub mod identifier;
pub mod initializers;
pub mod layers;
pub mod losses;
pub mod metrics;
mod model;
pub mod optimizers;
mod random;
pub mod regularizers;
pub mod saving;
mod shapes;
mod training;

pub use activations::Activation;
pub use callbacks::{Callback, History};
pub use cornu_ir::{DType, Expr, Tensor};
pub use device::Device;
pub use error::{Error, Result};
pub use identifier::Identifier;
pub use layers::{Context, Dense, Dropout, Flatten, Input, Layer, Naming, Reshape, Spec, Weights};
pub use model::{Model, Sequential};
pub use optimizers::{Adam, AdamW, RMSprop, SGD};
pub use random::set_random_seed;
pub use training::{Compile, Evaluate, Fit, IntoTensor, Logs, Verbose};

/// The small number that Keras adds or clips by where a formula must not divide by 0 (`keras.config.epsilon()`).
pub(crate) const EPSILON: f64 = 1e-7;
