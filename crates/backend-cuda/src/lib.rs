//! Runs plans on NVIDIA GPUs. Nothing of CUDA is needed to build this crate, and nothing is loaded before a device
//! is asked for: on a machine without one, [`Cuda::new`] says what was looked for and where.
//!
//! [`Cuda`] is all there is to see. Inside: `lower` turns each step of a plan into `launch`es of kernels, `print` their
//! fused expressions into CUDA C; `source` puts the kernels of a plan and their families (`kernels/*.cu`) together,
//! and `compile` makes a program of it, once; `executable` records a run as a graph and queues that; `memory` feeds it.
//! `driver` holds all that is asked of CUDA's driver.
//!
//! `CORNU_TF32=1` in the environment lets products and convolutions of f32 round their factors to tf32, for speed.

#![deny(unsafe_code)]

mod body;
mod cache;
#[allow(unsafe_code)]
mod compile;
mod cuda;
#[allow(unsafe_code)]
mod device;
#[allow(unsafe_code)]
mod driver;
mod error;
mod executable;
mod host;
mod kernels;
mod launch;
mod lower;
mod memory;
mod ops;
mod print;
mod source;

pub use cuda::Cuda;

/// The name users choose this backend by, and the first word of its errors.
const NAME: &str = "cuda";
