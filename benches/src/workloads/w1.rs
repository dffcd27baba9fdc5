//! W1: a network of two wide layers on pictures of 28 by 28 dots, where matrix products take the time.

use cornu::{Compile, Dense, Input, Sequential};

use super::{Better, Workload, fitting};
use crate::contestant::Contestant;
use crate::data;

/// One epoch in batches of 128.
pub(crate) const WORKLOAD: Workload =
    Workload { name: "W1", measure: "train", unit: "samples/s", better: Better::Higher, work };

/// A whole number of batches.
const ROWS: usize = 12_800;
const BATCH: usize = 128;

fn work() -> Result<Contestant, String> {
    let layers = Sequential::new()
        .add(Input::new([784]))
        .add(Dense::new(512).activation("relu"))
        .add(Dense::new(512).activation("relu"))
        .add(Dense::new(10).activation("softmax"));
    let mut model = layers.build().map_err(|error| error.to_string())?;
    model
        .compile(Compile::new("adam", "sparse_categorical_crossentropy"))
        .map_err(|error| error.to_string())?;
    let data = (data::floats(&[ROWS, 784], 1), data::labels(ROWS, 10, 2));
    fitting(model, data, (1, BATCH), |seconds| ROWS as f64 / seconds)
}
