//! Keras for Rust: models, layers, training, and Keras's files.
//!
//! Build a [`Sequential`] of [`layers`], or apply layers to a [`Symbol`] and make a [`Model::new`] of them;
//! [`Model::compile`] it, [`Model::fit`], [`Model::evaluate`],
//! [`Model::predict`], [`Model::save`], [`Model::load`]. Names, arguments, defaults and numbers are Keras's; where
//! Keras takes a string, a string works, and a typed value works beside it. Data are `ndarray` arrays.
//!
//! ```
//! use cornu::{Compile, Dense, Fit, Input, Sequential, Verbose};
//! use ndarray::array;
//!
//! let (x, y) = (array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], array![0.0, 1.0, 1.0, 2.0]);
//! let mut model = Sequential::new().add(Input::new([2])).add(Dense::new(1)).build()?;
//! model.compile(Compile::new("sgd", "mse"))?;
//! model.fit(&x, &y, Fit::new().epochs(3).verbose(Verbose::Silent))?;
//! assert_eq!(model.predict(&x)?.shape(), [4, 1]);
//! # Ok::<(), cornu::Error>(())
//! ```
//!
//! Where models run is a matter of feature flags (`cpu`, the default, and `cuda`) and of [`Device::current`]; no line
//! of a program changes with it.

#![forbid(unsafe_code)]

pub mod activations;
pub mod applications;
pub mod callbacks;
mod checkpoint;
pub mod compatibility;
pub mod config;
pub mod constraints;
mod device;
mod einsum;
pub mod error;
pub mod identifier;
pub mod initializers;
mod interrupt;
pub mod layers;
pub mod losses;
pub mod metrics;
mod model;
mod notice;
pub mod ops;
pub mod optimizers;
mod random;
mod registered;
pub mod regularizers;
pub mod saving;
mod shapes;
mod svg;
mod training;

pub use activations::Activation;
pub use callbacks::{Callback, History};
pub use cornu_ir::backend::Limits;
pub use cornu_ir::derived;
pub use cornu_ir::{DType, Data, Element, Expr, Tensor, Type, bf16, f16};
pub use device::{Device, set_device};
pub use error::{Error, Result};
pub use identifier::Identifier;
pub use layers::*;
pub use model::{Apply, Direction, IntoSymbols, Keywords, Model, Plot, Sequential, Summary, Symbol, input};
pub use optimizers::{
    Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer, MultiOptimizer,
    Muon, Nadam, RMSprop, SGD, ScheduleFreeAdamW,
};
pub use random::set_random_seed;
pub use training::{
    Batch, Batches, Compile, Cost, Evaluate, Fit, Give, IntoBatch, IntoTensor, IntoTensors, IntoValues, Item,
    KernelProfile, Logs, OnBatch, PerOutput, Predict, Profile, StepContext, StepOptimizer, Stream, Strings,
    Tensors, TrainStep, ValidationFreq, Values, Verbose,
};

/// The small number that Keras adds or clips by where a formula must not divide by 0 (`keras.config.epsilon()`).
pub(crate) const EPSILON: f64 = 1e-7;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
