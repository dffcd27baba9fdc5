//! Keras for Rust.
#![forbid(unsafe_code)]

pub mod activations;
pub mod config;
pub mod constraints;
pub mod error;
pub mod identifier;
pub mod initializers;
pub mod losses;
pub mod metrics;
mod names;
pub mod optimizers;
pub mod regularizers;
mod shapes;

pub use activations::Activation;
pub use error::{Error, Result};
pub use identifier::Identifier;

/// The small number that Keras adds or clips by where a formula must not divide by 0 (`keras.config.epsilon()`).
pub(crate) const EPSILON: f64 = 1e-7;
