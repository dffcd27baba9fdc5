//! W2: the convolutional network of Keras's first example, on pictures of 28 by 28 dots.

use cornu::{Compile, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, Sequential};

use super::{Workload, epoch, training};
use crate::data;
use crate::job::Made;

/// One epoch in batches of 128.
pub(crate) const WORKLOAD: Workload = training("W2", work);

const ROWS: usize = 2_560;
const BATCH: usize = 128;

fn work() -> Made {
    let mut model = Sequential::new()
        .add(Input::new([28, 28, 1]))
        .add(Conv2D::new(32, 3).activation("relu"))
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(64, 3).activation("relu"))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation("softmax"))
        .build()?;
    model.compile(Compile::new("adam", "sparse_categorical_crossentropy"))?;
    Ok(epoch(model, (data::floats(&[ROWS, 28, 28, 1], 1), data::labels(&[ROWS], 10, 2)), BATCH))
}
