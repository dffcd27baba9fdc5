//! LambdaCallback: closures as a callback. Keras: `LambdaCallback`.

use super::{Callback, Training};
use crate::error::Result;
use crate::training::Logs;

/// A closure that is told of a moment.
type Told<A> = Option<Box<dyn FnMut(&mut Training<'_>, A)>>;
/// A closure that is told of a moment with logs.
type ToldLogs = Option<Box<dyn FnMut(&mut Training<'_>, usize, &Logs)>>;

/// Closures for some moments of training. Keras: `LambdaCallback`. For more, and for errors, implement [`Callback`].
///
/// ```
/// use cornu::Fit;
/// use cornu::callbacks::LambdaCallback;
///
/// let shy = LambdaCallback::new().on_epoch_end(|training, epoch, logs| {
///     if logs.get("loss").is_some_and(|loss| loss < 0.1) {
///         println!("good enough after epoch {}", epoch + 1);
///         training.stop();
///     }
/// });
/// let how = Fit::new().epochs(100).callback(shy);
/// ```
#[derive(Default)]
pub struct LambdaCallback {
    on_train_begin: Told<()>,
    on_train_end: Told<()>,
    on_epoch_begin: Told<usize>,
    on_epoch_end: ToldLogs,
    on_train_batch_begin: Told<usize>,
    on_train_batch_end: ToldLogs,
}

impl LambdaCallback {
    /// Without any.
    pub fn new() -> LambdaCallback {
        LambdaCallback::default()
    }

    /// Called before the first epoch.
    pub fn on_train_begin(mut self, mut told: impl FnMut(&mut Training<'_>) + 'static) -> LambdaCallback {
        self.on_train_begin = Some(Box::new(move |training, ()| told(training)));
        self
    }

    /// Called however training ends.
    pub fn on_train_end(mut self, mut told: impl FnMut(&mut Training<'_>) + 'static) -> LambdaCallback {
        self.on_train_end = Some(Box::new(move |training, ()| told(training)));
        self
    }

    /// Called before an epoch, counted from 0.
    pub fn on_epoch_begin(mut self, told: impl FnMut(&mut Training<'_>, usize) + 'static) -> LambdaCallback {
        self.on_epoch_begin = Some(Box::new(told));
        self
    }

    /// Called after an epoch, counted from 0, and its validation.
    pub fn on_epoch_end(
        mut self,
        told: impl FnMut(&mut Training<'_>, usize, &Logs) + 'static,
    ) -> LambdaCallback {
        self.on_epoch_end = Some(Box::new(told));
        self
    }

    /// Called before a step, counted from 0 in each epoch.
    pub fn on_train_batch_begin(
        mut self,
        told: impl FnMut(&mut Training<'_>, usize) + 'static,
    ) -> LambdaCallback {
        self.on_train_batch_begin = Some(Box::new(told));
        self
    }

    /// Called after a step, counted from 0 in each epoch.
    pub fn on_train_batch_end(
        mut self,
        told: impl FnMut(&mut Training<'_>, usize, &Logs) + 'static,
    ) -> LambdaCallback {
        self.on_train_batch_end = Some(Box::new(told));
        self
    }
}

fn tell<A>(told: &mut Told<A>, training: &mut Training<'_>, argument: A) -> Result<()> {
    if let Some(told) = told {
        told(training, argument);
    }
    Ok(())
}

fn tell_logs(told: &mut ToldLogs, training: &mut Training<'_>, number: usize, logs: &Logs) -> Result<()> {
    if let Some(told) = told {
        told(training, number, logs);
    }
    Ok(())
}

impl Callback for LambdaCallback {
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        tell(&mut self.on_train_begin, training, ())
    }

    fn on_train_end(&mut self, training: &mut Training<'_>) -> Result<()> {
        tell(&mut self.on_train_end, training, ())
    }

    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        tell(&mut self.on_epoch_begin, training, epoch)
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        tell_logs(&mut self.on_epoch_end, training, epoch, logs)
    }

    fn on_train_batch_begin(&mut self, training: &mut Training<'_>, step: usize) -> Result<()> {
        tell(&mut self.on_train_batch_begin, training, step)
    }

    fn on_train_batch_end(&mut self, training: &mut Training<'_>, step: usize, logs: &Logs) -> Result<()> {
        tell_logs(&mut self.on_train_batch_end, training, step, logs)
    }

    fn wants_batch(&mut self, _: usize) -> bool {
        self.on_train_batch_end.is_some()
    }

    fn wants_test_batch(&mut self, _: usize) -> bool {
        false
    }

    fn name(&self) -> &str {
        "LambdaCallback"
    }
}
