//! bare: as little as can be trained, for the memory that a process takes beside the numbers of a workload.

use cornu::{Compile, Dense, Input, Sequential};

use super::{Workload, epoch, training};
use crate::data;
use crate::job::Made;

/// One weight; it is not among the workloads that are timed.
pub(crate) const WORKLOAD: Workload = training("bare", work);

fn work() -> Made {
    let mut model = Sequential::new().add(Input::new([1])).add(Dense::new(1)).build()?;
    model.compile(Compile::new("adam", "mse"))?;
    Ok(epoch(model, (data::floats(&[1, 1], 1), data::floats(&[1, 1], 2)), 1))
}
