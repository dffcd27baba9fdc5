//! The callbacks of a training, told one after another.

use super::{Callback, CallbackState, Training};
use crate::checkpoint::Checkpoint;
use crate::error::Result;
use crate::notice::warn;
use crate::training::Logs;

/// Callbacks in the order in which they are told. Keras: `CallbackList`.
#[derive(Default)]
pub(crate) struct CallbackList(Vec<Box<dyn Callback>>);

impl CallbackList {
    pub(crate) fn push(&mut self, callback: Box<dyn Callback>) {
        self.0.push(callback);
    }

    pub(crate) fn extend(&mut self, callback: Option<impl Callback + 'static>) {
        if let Some(callback) = callback {
            self.push(Box::new(callback));
        }
    }

    /// Tells all of them; the first error ends it.
    pub(crate) fn tell<'m>(
        &mut self,
        training: &mut Training<'m>,
        mut what: impl FnMut(&mut dyn Callback, &mut Training<'m>) -> Result<()>,
    ) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| what(&mut **callback, training))
    }

    /// Tells all of them, whatever goes wrong; the first error is the result.
    pub(crate) fn tell_all<'m>(
        &mut self,
        training: &mut Training<'m>,
        mut what: impl FnMut(&mut dyn Callback, &mut Training<'m>) -> Result<()>,
    ) -> Result<()> {
        let mut first = Ok(());
        for callback in &mut self.0 {
            let outcome = what(&mut **callback, training);
            first = first.and(outcome);
        }
        first
    }

    /// Whether anyone wants steps to be guarded.
    pub(crate) fn guards_steps(&self) -> bool {
        self.0.iter().any(|callback| callback.guards_steps())
    }

    /// Whether anyone wants the logs of a step of training.
    pub(crate) fn wants_batch(&mut self, step: usize) -> bool {
        self.0.iter_mut().any(|callback| callback.wants_batch(step))
    }

    /// Whether anyone wants the logs of a step of evaluating.
    pub(crate) fn wants_test_batch(&mut self, step: usize) -> bool {
        self.0.iter_mut().any(|callback| callback.wants_test_batch(step))
    }

    /// Gives the logs of a step to those who want them.
    pub(crate) fn batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        for callback in &mut self.0 {
            if callback.wants_batch(step) {
                callback.on_train_batch_end(training, step, logs)?;
            }
        }
        Ok(())
    }

    /// Gives the logs of a step of evaluating to those who want them.
    pub(crate) fn test_batch_end(
        &mut self,
        training: &mut Training<'_>,
        step: usize,
        logs: &Logs,
    ) -> Result<()> {
        for callback in &mut self.0 {
            if callback.wants_test_batch(step) {
                callback.on_test_batch_end(training, step, logs)?;
            }
        }
        Ok(())
    }

    /// The checkpoint from which one of them wants training to go on.
    pub(crate) fn resume(&mut self) -> Result<Option<Checkpoint>> {
        for callback in &mut self.0 {
            if let Some(checkpoint) = callback.resume()? {
                return Ok(Some(checkpoint));
            }
        }
        Ok(None)
    }

    /// What each remembers, with its name.
    pub(crate) fn states(&self) -> Vec<(String, CallbackState)> {
        self.0.iter().map(|callback| (callback.name().to_string(), callback.state())).collect()
    }

    /// Gives each what it remembered: the first of a name gets the first of that name, and so on.
    pub(crate) fn restore(
        &mut self,
        training: &mut Training<'_>,
        mut states: Vec<(String, CallbackState)>,
    ) -> Result<()> {
        for callback in &mut self.0 {
            match states.iter().position(|(name, _)| name == callback.name()) {
                Some(place) => callback.restore(training, states.remove(place).1)?,
                None => warn(&format!("the checkpoint knows no {}: it begins anew", callback.name())),
            }
        }
        Ok(())
    }
}
