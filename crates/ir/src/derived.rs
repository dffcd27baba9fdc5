//! Functions composed of ops: nothing here is known to the compiler, everything here is differentiated and fused.

mod along_time;
mod conditional;
mod exponential;
mod indexing;
mod moments;
mod part;
mod random;

pub use along_time::{Loop, Step, along_time, try_along_time};
pub use conditional::conditional;
pub use exponential::{below_zero, log_sigmoid, log_softmax, logsumexp, softmax, softplus};
pub use indexing::{one_hot, sort, take_along_last, top_k};
pub use moments::{l2_norm, l2_normalize, mean, mean_all, variance};
pub use random::{bernoulli, normal, truncated_normal, uniform};

use crate::types::Shape;

/// How many elements of `shape` meet in one when `axes` are reduced.
fn count(shape: &Shape, axes: &[usize]) -> f64 {
    axes.iter().filter_map(|&axis| shape.get(axis)).product::<usize>() as f64
}
