//! TerminateOnNaN: ends training before a number that is not finite is written anywhere. Keras: `TerminateOnNaN`.

use super::{Callback, Training};
use crate::error::{Error, Result};
use crate::notice::say;
use crate::training::BadStep;

/// Ends training at the first step that would make the loss, a weight or a variable of the optimizer NaN or infinite,
/// and says where such a number came up first: in which layer and tensor, at which index. Keras: `TerminateOnNaN`.
///
/// Nothing is lost: the step is not taken, and the model is as it was after the step before, where Keras has already
/// written the bad weights and looks at the mean loss of the epoch alone. It costs one more pass over what a step
/// writes.
#[derive(Clone, Debug, Default)]
pub struct TerminateOnNaN {
    raise_error: bool,
    found: Option<BadStep>,
}

impl TerminateOnNaN {
    /// Stops training and says why.
    pub fn new() -> TerminateOnNaN {
        TerminateOnNaN::default()
    }

    /// Whether training ends with an error.
    pub fn raise_error(mut self, raise: bool) -> TerminateOnNaN {
        self.raise_error = raise;
        self
    }

    /// What ended training.
    pub fn found(&self) -> Option<&BadStep> {
        self.found.as_ref()
    }
}

impl Callback for TerminateOnNaN {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.found = None;
        Ok(())
    }

    fn guards_steps(&self) -> bool {
        true
    }

    fn on_bad_step(&mut self, training: &mut Training<'_>, bad: &BadStep) -> Result<()> {
        self.found = Some(bad.clone());
        if self.raise_error {
            return Err(Error::NotFinite(Box::new(bad.clone())));
        }
        say(&format!("{bad}: training ends, and the step is not taken"));
        training.stop();
        Ok(())
    }

    without_batch_logs!();

    fn name(&self) -> &str {
        "TerminateOnNaN"
    }
}
