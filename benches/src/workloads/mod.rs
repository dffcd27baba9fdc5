//! The list of workloads. The same work stands in `peers/` for the others.

mod latency;
mod start;
mod w1;
mod w2;
mod w3;
mod w4;
mod w5;
mod w6;
mod w7;

use std::error::Error;
use std::time::Instant;

use cornu::{Fit, Model, Tensor, Verbose};

use crate::contestant::Contestant;

/// Which of two results is the better one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

impl Better {
    /// For the head of a table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Better::Higher => "higher",
            Better::Lower => "lower",
        }
    }

    /// How many times as fast the first result is as the second.
    pub(crate) fn times(self, first: f64, second: f64) -> f64 {
        match self {
            Better::Higher => first / second,
            Better::Lower => second / first,
        }
    }
}

/// A contestant made ready, or why not.
pub(crate) type Made = Result<Contestant, Box<dyn Error>>;

/// Work that is timed.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) measure: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// What Cornu does in a round.
    work: fn() -> Made,
}

impl Workload {
    /// Cornu, warm, called by the backend it runs on.
    pub(crate) fn ours(&self, backend: &str) -> Result<Contestant, String> {
        let ours = (self.work)().map_err(|error| format!("{}: {error}", self.name))?;
        Ok(ours.named(backend))
    }

    /// What peers are asked for: the workload, and which measure of it.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.name, self.measure)
    }
}

/// Training of a workload, in samples a second.
const fn training(name: &'static str, work: fn() -> Made) -> Workload {
    Workload { name, measure: "train", unit: "samples/s", better: Better::Higher, work }
}

const ALL: [Workload; 12] = [
    w1::WORKLOAD,
    latency::WORKLOAD,
    w2::WORKLOAD,
    w3::WORKLOAD,
    w4::WORKLOAD,
    w5::WORKLOAD,
    w6::WORKLOAD,
    w7::MOBILENET_ONE,
    w7::MOBILENET_EIGHT,
    w7::RESNET_ONE,
    w7::RESNET_EIGHT,
    start::WORKLOAD,
];

/// The workloads of this name, or all.
pub(crate) fn chosen(name: Option<&str>) -> Result<Vec<Workload>, String> {
    let mut names: Vec<&str> = ALL.iter().map(|workload| workload.name).collect();
    names.dedup();
    let chosen: Vec<Workload> =
        ALL.into_iter().filter(|workload| name.is_none_or(|name| name == workload.name)).collect();
    if chosen.is_empty() {
        return Err(format!("no such workload; there are {}", names.join(", ")));
    }
    Ok(chosen)
}

/// Trains once to be warm, then once a round; the result is what `unit` makes of the seconds.
fn fitting(
    mut model: Model,
    (x, y): (Tensor, Tensor),
    (epochs, batch_size): (usize, usize),
    unit: impl Fn(f64) -> f64 + 'static,
) -> Made {
    let mut fit = move |epochs: usize| {
        let how = Fit::new().epochs(epochs).batch_size(batch_size).verbose(Verbose::Silent);
        let begun = Instant::now();
        model.fit(&x, &y, how)?;
        Ok::<f64, cornu::Error>(begun.elapsed().as_secs_f64())
    };
    fit(1)?;
    Ok(Contestant::new("cornu", move || Ok(unit(fit(epochs).map_err(|error| error.to_string())?))))
}

/// Trains for one epoch a round; the result are samples a second.
fn epoch(model: Model, data: (Tensor, Tensor), batch_size: usize) -> Made {
    let rows = data.0.shape()[0] as f64;
    fitting(model, data, (1, batch_size), move |seconds| rows / seconds)
}
