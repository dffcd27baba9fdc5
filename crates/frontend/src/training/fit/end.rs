//! The end of a training: however it went, callbacks put back and close what is theirs.

use super::run::Run;
use crate::callbacks::{Ending, History};
use crate::error::Result;
use crate::notice::say;

impl Run<'_, '_, '_> {
    /// Ends the training that went so. Its own error counts before one of ending it.
    pub(super) fn end(mut self, outcome: Result<()>) -> Result<History> {
        let ending = match (&outcome, self.training.stopped) {
            (Err(_), _) => Ending::Failed,
            (Ok(()), _) if self.training.ending.is_some() => Ending::Interrupted,
            (Ok(()), true) => Ending::Stopped,
            (Ok(()), false) => Ending::Finished,
        };
        self.training.ending = Some(ending);
        self.history.interrupted = ending == Ending::Interrupted;
        // Before the callbacks: one that keeps the best weights has the last word.
        let averaged = self.training.model.weights_become_averages();
        let told =
            self.callbacks.tell_all(&mut self.training, |callback, training| callback.on_train_end(training));
        if self.shows_times() {
            say(&self.times.to_string());
        }
        outcome.and(averaged).and(told)?;
        Ok(self.history)
    }
}
