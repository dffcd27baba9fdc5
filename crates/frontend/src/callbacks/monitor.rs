//! Monitor: a number among the logs, and whether it has become better. Keras: `MonitorCallback`.

use crate::error::{Error, Result};
use crate::metrics::Direction;
use crate::model::Model;
use crate::notice::warn;
use crate::training::Logs;

/// Which way a monitored number should go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As its metric says; losses should go down.
    #[default]
    Auto,
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

impl From<&str> for Mode {
    /// As in Keras, what is neither "min" nor "max" is "auto".
    fn from(name: &str) -> Mode {
        match name {
            "min" => Mode::Min,
            "max" => Mode::Max,
            _ => Mode::Auto,
        }
    }
}

/// A number to watch.
#[derive(Clone, Debug)]
pub(super) struct Monitor {
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) min_delta: f64,
    /// Which way it should go, once that is known: true if less is better.
    falls: Option<bool>,
}

impl Monitor {
    pub(super) fn new(min_delta: f64) -> Monitor {
        Monitor { name: "val_loss".to_string(), mode: Mode::Auto, min_delta, falls: None }
    }

    /// Finds out which way the number should go, for `class`.
    pub(super) fn decide(&mut self, class: &str, model: &Model) -> Result<()> {
        if self.falls.is_none() {
            let direction = match self.mode {
                Mode::Min => Direction::Down,
                Mode::Max => Direction::Up,
                Mode::Auto => model.log_direction(self.name.strip_prefix("val_").unwrap_or(&self.name)),
            };
            self.falls = match direction {
                Direction::Down => Some(true),
                Direction::Up => Some(false),
                Direction::Unknown => {
                    let needed = "said: nothing tells whether the monitored number should rise or fall; `mode` \
                                  takes `Mode::Min` or `Mode::Max`";
                    return Err(Error::config(class, "mode", format!("auto for {}", self.name), needed));
                }
            };
        }
        Ok(())
    }

    /// The number, or a warning that there is none.
    pub(super) fn find(&self, class: &str, logs: &Logs) -> Option<f64> {
        let found = logs.get(&self.name);
        if found.is_none() {
            let known: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
            warn(&format!("{class} watches `{}`, but there are only: {}", self.name, known.join(", ")));
        }
        found
    }

    /// Whether a number is better than another, by more than the least that counts. Better than nothing is anything.
    pub(super) fn improves(&self, current: f64, best: Option<f64>) -> bool {
        let delta = self.min_delta.abs();
        match (best, self.falls) {
            (None, _) => true,
            (Some(best), Some(false)) => current - delta > best,
            (Some(best), Some(true) | None) => current + delta < best,
        }
    }
}

impl Model {
    /// Which way the number of this name in the logs should go.
    fn log_direction(&self, name: &str) -> Direction {
        let goals = self.compiled.as_ref().and_then(|compiled| compiled.goals.as_ref());
        let metric = goals.and_then(|goals| goals.metrics.iter().find(|metric| metric.reports(name)));
        let is_loss = goals.is_some_and(|goals| {
            goals.reported_losses().any(|output| format!("{}_loss", goals.outputs[output].name) == name)
        });
        match metric {
            _ if name == "loss" || is_loss => Direction::Down,
            Some(metric) => metric.metric.direction(),
            None => Direction::Unknown,
        }
    }
}

/// Builder methods of callbacks that watch a number.
macro_rules! monitored {
    ($class:ident) => {
        impl $class {
            /// The name of the number among the logs that is watched: "val_loss" unless said otherwise.
            pub fn monitor(mut self, name: impl Into<String>) -> $class {
                self.monitor.name = name.into();
                self
            }

            /// Which way it should go: a [`Mode`](crate::callbacks::Mode), or "min", "max" or "auto".
            pub fn mode(mut self, mode: impl Into<crate::callbacks::Mode>) -> $class {
                self.monitor.mode = mode.into();
                self
            }
        }
    };
}

pub(super) use monitored;
