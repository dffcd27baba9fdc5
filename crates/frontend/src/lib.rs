//! Keras for Rust.

pub mod saving;
