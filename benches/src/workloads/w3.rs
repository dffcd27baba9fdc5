//! W3: a recurrent network over sequences of 80 words, as for the mood of film reviews.

use cornu::{Compile, DType, Dense, Embedding, Input, LSTM, Sequential};

use super::{Workload, epoch, training};
use crate::data;
use crate::job::Made;

/// One epoch in batches of 32.
pub(crate) const WORKLOAD: Workload = training("W3", work);

const ROWS: usize = 640;
const BATCH: usize = 32;
const STEPS: usize = 80;
const WORDS: usize = 20_000;

fn work() -> Made {
    let mut model = Sequential::new()
        .add(Input::new([STEPS]).dtype(DType::I32))
        .add(Embedding::new(WORDS, 128))
        .add(LSTM::new(128))
        .add(Dense::new(1).activation("sigmoid"))
        .build()?;
    model.compile(Compile::new("adam", "binary_crossentropy"))?;
    Ok(epoch(model, (data::labels(&[ROWS, STEPS], WORDS as u64, 1), data::labels(&[ROWS, 1], 2, 2)), BATCH))
}
