//! W1, one sample at a time: how long a single prediction takes.

use super::{Workload, w1};
use crate::data;
use crate::job::{Job, Made, Predicting};
use crate::unit::Unit;

/// Microseconds from an array to an array.
pub(crate) const WORKLOAD: Workload =
    Workload { name: "W1", measure: "latency", unit: Unit::Microseconds, work };

/// Predictions in a round.
const TIMES: usize = 1_000;

fn work() -> Made {
    Ok(Job::Predict(Predicting { model: w1::network()?, x: data::floats(&[1, 784], 1), times: TIMES }))
}
