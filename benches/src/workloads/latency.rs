//! W1, one sample at a time: how long a single prediction takes.

use std::time::Instant;

use super::{Better, Made, Workload, w1};
use crate::contestant::Contestant;
use crate::data;

/// Microseconds from an array to an array.
pub(crate) const WORKLOAD: Workload =
    Workload { name: "W1", measure: "latency", unit: "us", better: Better::Lower, work };

/// Predictions in a round.
const TIMES: usize = 1_000;

fn work() -> Made {
    let mut model = w1::network()?;
    let x = data::floats(&[1, 784], 1);
    model.predict(&x)?;
    Ok(Contestant::new("cornu", move || {
        let begun = Instant::now();
        for _ in 0..TIMES {
            model.predict(&x).map_err(|error| error.to_string())?;
        }
        Ok(begun.elapsed().as_secs_f64() / TIMES as f64 * 1e6)
    }))
}
