//! Formulas against the numbers that real Keras gave for them.

mod activations;
mod applications;
mod callbacks;
mod compile;
mod constraints;
mod initializers;
mod layers;
mod lora;
mod losses;
mod metrics;
mod networks;
mod ops;
mod optimizers;
mod precision;
mod preprocessing;
mod reading;
mod regularizers;
mod schedules;
mod text;
