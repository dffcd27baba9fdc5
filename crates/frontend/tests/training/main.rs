//! Training: where batches come from, whom it tells, how it ends, and how it goes on.

mod curves;
mod endings;
mod events;
mod fit;
mod guards;
mod memory;
mod models;
mod moments;
mod progress;
#[cfg(feature = "remote-monitor")]
mod remote;
mod resume;
mod streams;
