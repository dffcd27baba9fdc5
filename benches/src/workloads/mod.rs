//! The list of workloads.

mod start;
mod tabular;
mod w1;

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

/// Work that is timed. The same work stands in `peers/` for Keras.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) measure: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// What Cornu does in a round.
    work: fn() -> Result<Contestant, String>,
}

impl Workload {
    /// Cornu, warm, called by the backend it runs on.
    pub(crate) fn ours(&self, backend: &str) -> Result<Contestant, String> {
        let ours = (self.work)().map_err(|error| format!("{}: {error}", self.name))?;
        Ok(ours.named(backend))
    }
}

const ALL: [Workload; 3] = [tabular::WORKLOAD, w1::WORKLOAD, start::WORKLOAD];

/// The workload of this name, or all.
pub(crate) fn chosen(name: Option<&str>) -> Result<Vec<Workload>, String> {
    let names = ALL.map(|workload| workload.name).join(", ");
    let chosen: Vec<Workload> =
        ALL.into_iter().filter(|workload| name.is_none_or(|name| name == workload.name)).collect();
    if chosen.is_empty() { Err(format!("no such workload; there are {names}")) } else { Ok(chosen) }
}

/// Trains once to be warm, then once a round; the result is what `unit` makes of the seconds.
fn fitting(
    mut model: Model,
    (x, y): (Tensor, Tensor),
    (epochs, batch_size): (usize, usize),
    unit: impl Fn(f64) -> f64 + 'static,
) -> Result<Contestant, String> {
    let mut fit = move |epochs: usize| {
        let how = Fit::new().epochs(epochs).batch_size(batch_size).verbose(Verbose::Silent);
        let begun = Instant::now();
        model.fit(&x, &y, how).map_err(|error| error.to_string())?;
        Ok::<f64, String>(begun.elapsed().as_secs_f64())
    };
    fit(1)?;
    Ok(Contestant::new("cornu", move || Ok(unit(fit(epochs)?))))
}
