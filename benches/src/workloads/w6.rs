//! W6: a small network on a table, where the cost of a step is mostly what surrounds the arithmetic.

use cornu::{Compile, Dense, Input, Sequential};

use super::Workload;
use crate::data;
use crate::job::{Fitting, Job, Made};
use crate::unit::Unit;

/// 1,000 rows of 9 numbers, in 50 epochs of batches of 32.
pub(crate) const WORKLOAD: Workload = Workload { name: "W6", measure: "train", unit: Unit::Seconds, work };

const ROWS: usize = 1_000;
const EPOCHS: usize = 50;
const BATCH: usize = 32;

fn work() -> Made {
    let mut model = Sequential::new()
        .add(Input::new([9]))
        .add(Dense::new(32).activation("relu"))
        .add(Dense::new(128).activation("relu"))
        .add(Dense::new(1))
        .build()?;
    model.compile(Compile::new("adam", "mse"))?;
    let (x, y) = (data::floats(&[ROWS, 9], 1), data::floats(&[ROWS, 1], 2));
    Ok(Job::Fit(Fitting { model, x, y, epochs: EPOCHS, batch_size: BATCH }))
}
