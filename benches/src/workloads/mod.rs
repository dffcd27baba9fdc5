//! The list of workloads. The same work stands in `peers/` for the others.

mod bare;
mod latency;
mod optimizer;
mod start;
mod w1;
mod w2;
mod w3;
mod w4;
mod w5;
mod w6;
mod w7;

use std::process::Command;

use cornu::{Dense, Device, Input, Model, Sequential, Tensor};

use crate::contestant::{Contestant, Question};
use crate::job::{Amount, Fitting, Job, Made};
use crate::unit::Unit;

/// Work that is timed.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) measure: &'static str,
    pub(crate) unit: Unit,
    /// What Cornu does in a round.
    work: fn() -> Made,
}

impl Workload {
    /// The workload of this name and measure.
    pub(crate) fn find(name: &str, measure: &str) -> Result<Workload, String> {
        let found = ALL
            .into_iter()
            .chain([bare::WORKLOAD])
            .find(|workload| workload.name == name && workload.measure == measure);
        found.ok_or_else(|| format!("there is no workload {name} {measure}"))
    }

    /// The work of a round.
    pub(crate) fn job(&self) -> Result<Job, String> {
        (self.work)().map_err(|error| self.said(error.to_string()))
    }

    /// Somebody who does that work in this process, warm.
    pub(crate) fn here(&self) -> Result<Contestant, String> {
        self.job()?.contestant(self.unit).map_err(|error| self.said(error))
    }

    /// Cornu, warm, called by the backend it runs on. It has a process of its own, as its peers have.
    pub(crate) fn ours(&self, backend: &str) -> Result<Contestant, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.arg("--serve").args(self.key()).env("CORNU_BACKEND", backend);
        let ours = Contestant::companion(backend, command).map_err(|error| self.said(error))?;
        // What the program takes that is started anew each time, the one that starts it does not know.
        Ok(if self.is_a_process() { ours.without_process() } else { ours })
    }

    /// True if the work is to start a process.
    pub(crate) fn is_a_process(&self) -> bool {
        self.name == start::WORKLOAD.name
    }

    /// What a result stands for, if there is a model.
    pub(crate) fn amount(&self) -> Result<Option<Amount>, String> {
        self.job()?.amount().map_err(|error| self.said(error))
    }

    /// What companions are asked for: the workload, and which measure of it.
    pub(crate) fn key(&self) -> [&'static str; 2] {
        [self.name, self.measure]
    }

    fn said(&self, reason: String) -> String {
        format!("{} {}: {reason}", self.name, self.measure)
    }
}

/// Training of a workload, in samples a second.
const fn training(name: &'static str, work: fn() -> Made) -> Workload {
    Workload { name, measure: "train", unit: Unit::Samples, work }
}

const ALL: [Workload; 17] = [
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
    optimizer::SGD_PLAIN,
    optimizer::MOMENTUM,
    optimizer::LION,
    optimizer::ADAM,
    optimizer::LAMB,
];

/// The most memory in bytes that a process holds whose model is next to nothing: the program, its threads, and what it
/// takes to compile and train; where the system tells.
pub(crate) fn bare_process(backend: &str) -> Result<Option<u64>, String> {
    let mut bare = bare::WORKLOAD.ours(backend)?;
    bare.ask(Question::Round)?;
    Ok(bare.peak_rss())
}

/// Opens a backend, so that one that is not there is told once and before anything is measured.
pub(crate) fn open(backend: &str) -> Result<(), String> {
    let device: Device = backend.parse().map_err(|error: cornu::Error| error.to_string())?;
    let network = move || -> cornu::Result<Model> {
        cornu::set_device(device);
        Sequential::new().add(Input::new([1])).add(Dense::new(1)).build()
    };
    // In a thread of its own, which alone the choice of the device is for.
    let opened = std::thread::spawn(move || network().map(drop).map_err(|error| error.to_string())).join();
    opened.map_err(|_| "it panicked".to_string()).and_then(|opened| opened)
}

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
    Job::Fit(Fitting { model, x, y, epochs: 1, batch_size })
}
