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

use cornu::{Model, Tensor};

use crate::contestant::Contestant;
use crate::job::{Fitting, Job, Made, samples_a_second};

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
        Ok(self.job()?.contestant().map_err(|error| format!("{}: {error}", self.name))?.named(backend))
    }

    /// The work of a round.
    pub(crate) fn job(&self) -> Result<Job, String> {
        (self.work)().map_err(|error| format!("{}: {error}", self.name))
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

/// Trains for one epoch a round; the result are samples a second.
fn epoch(model: Model, (x, y): (Tensor, Tensor), batch_size: usize) -> Job {
    Job::Fit(Fitting { model, x, y, epochs: 1, batch_size, unit: samples_a_second })
}
