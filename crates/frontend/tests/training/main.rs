//! Training: where batches come from, whom it tells, how it ends, and how it goes on.

mod endings;
mod fit;
mod models;
mod moments;
mod resume;
mod streams;
