//! Layers that disturb their input in training, and one that puts a price on it.

mod activity;
mod alpha_dropout;
mod gaussian_dropout;
mod gaussian_noise;
mod spatial_dropout;

pub use activity::ActivityRegularization;
pub use alpha_dropout::AlphaDropout;
pub use gaussian_dropout::GaussianDropout;
pub use gaussian_noise::GaussianNoise;
pub use spatial_dropout::{SpatialDropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D};

use super::LayerConfig;
use crate::error::{Error, Result};

/// An argument that must be there, a number from 0 to 1.
fn share(config: &LayerConfig<'_>, key: &str) -> Result<f64> {
    config.number(key)?.ok_or_else(|| config.wrong(key, SHARE))
}

/// Fails unless the number is from 0 to 1.
fn check_share(class: &str, key: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(Error::config(class, key, value, SHARE)) }
}

const SHARE: &str = "a number from 0 to 1";
