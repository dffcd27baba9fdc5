//! W1, one sample at a time: how long a single prediction takes.

use super::{Better, Workload, w1};
use crate::data;
use crate::job::{Job, Made, Predicting};

/// Microseconds from an array to an array.
pub(crate) const WORKLOAD: Workload =
    Workload { name: "W1", measure: "latency", unit: "us", better: Better::Lower, work };

/// Predictions in a round.
const TIMES: usize = 1_000;

fn work() -> Made {
    let (model, x) = (w1::network()?, data::floats(&[1, 784], 1));
    let unit = |seconds: f64, _: usize| 1e6 * seconds;
    Ok(Job::Predict(Predicting { model, x, times: TIMES, unit }))
}
