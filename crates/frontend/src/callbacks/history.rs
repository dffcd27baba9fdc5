//! History: the logs of every epoch. Keras: `History`.

use super::{Callback, Training};
use crate::error::Result;
use crate::training::Logs;

/// What `fit` returns: for each epoch the loss and the metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Numbers of the epochs, counted from 0.
    pub epoch: Vec<usize>,
    /// For each name its values, an entry for each epoch that reported it.
    pub metrics: Vec<(String, Vec<f64>)>,
}

impl History {
    /// The values called `name`, one for each epoch.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.metrics.iter().find(|(key, _)| key == name).map(|(_, values)| values.as_slice())
    }

    /// The value called `name` after the last epoch.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name)?.last().copied()
    }
}

impl Callback for History {
    fn on_epoch_end(&mut self, _: &mut Training<'_>, epoch: usize, logs: &Logs) -> Result<()> {
        self.epoch.push(epoch);
        for (name, value) in logs.iter() {
            match self.metrics.iter_mut().find(|(key, _)| key == name) {
                Some((_, values)) => values.push(value),
                None => self.metrics.push((name.to_string(), vec![value])),
            }
        }
        Ok(())
    }

    fn wants_batch(&mut self, _: usize) -> bool {
        false
    }
}
