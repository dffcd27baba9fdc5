//! Files: what Keras and Cornu leave on disk, as data. Nothing here knows what a layer is.

pub mod archive;
pub mod atomic;
mod config;
pub mod error;
mod format;
pub mod hdf5;
pub mod json;
pub mod legacy;
mod load;
mod lookups;
mod save;
pub mod snake_case;
pub mod source;
pub mod upgrade;
pub mod weights;

pub use error::{FileError, Place};
pub(crate) use format::Format;
pub use source::Source;
