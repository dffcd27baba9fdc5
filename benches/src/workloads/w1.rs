//! W1: a network of two wide layers on pictures of 28 by 28 dots, where matrix products take the time.

use cornu::{Compile, Dense, Input, Model, Sequential};

use super::{Workload, epoch, training};
use crate::data;
use crate::job::Made;

/// One epoch in batches of 128.
pub(crate) const WORKLOAD: Workload = training("W1", work);

/// A whole number of batches.
const ROWS: usize = 12_800;
const BATCH: usize = 128;

/// The network, not yet compiled.
pub(super) fn network() -> cornu::Result<Model> {
    Sequential::new()
        .add(Input::new([784]))
        .add(Dense::new(512).activation("relu"))
        .add(Dense::new(512).activation("relu"))
        .add(Dense::new(10).activation("softmax"))
        .build()
}

fn work() -> Made {
    let mut model = network()?;
    model.compile(Compile::new("adam", "sparse_categorical_crossentropy"))?;
    Ok(epoch(model, (data::floats(&[ROWS, 784], 1), data::labels(&[ROWS], 10, 2)), BATCH))
}
