//! Fit: epochs of training steps, on arrays or on a stream of batches.

mod end;
mod options;
mod run;
mod times;
mod validation;

pub use options::{Fit, Verbose};
pub use validation::ValidationFreq;

pub(crate) use times::Times;

use self::run::Run;
use self::validation::with_validation;
use super::feed::{ArraySource, Feed, Source, with_stream};
use super::stream::Batches;
use super::{Dataset, IntoTensors};
use crate::callbacks::History;
use crate::checkpoint::Checkpoint;
use crate::error::Result;
use crate::model::Model;

impl Model {
    /// Trains: Keras's `fit`. `x` and `y` have one row for each sample; a model with several inputs or outputs takes
    /// several arrays, in order or by name: see [`IntoTensors`]. Strings are given as arrays and lists of strings.
    ///
    /// The model must be compiled. Returns the logs of every epoch.
    pub fn fit(&mut self, x: impl IntoTensors, y: impl IntoTensors, mut how: Fit) -> Result<History> {
        how.check()?;
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let weights = self.sample_weights(how.sample_weight.take(), y.len())?;
        let all = Dataset::not_empty("fit", x, y, weights)?;
        // As in Keras, classes have no weights when a model is evaluated.
        let (mut data, kept) = how.split(all)?;
        data.weights = how.class_weight.beside(&data.y, data.weights)?;
        let batch_size = how.batch_size_for(data.rows());
        let resumed = self.resumed(&mut how)?;
        let mut source = ArraySource::new(&data, batch_size, how.shuffle.then_some(self.seed));
        self.fit_source(&mut source, kept, how, resumed)
    }

    /// [`Model::fit`] on batches that are made while the model trains: see [`Batches`].
    pub fn fit_batches(&mut self, batches: impl Batches, mut how: Fit) -> Result<History> {
        how.check()?;
        how.check_for_batches()?;
        self.compiled()?;
        let resumed = self.resumed(&mut how)?;
        let (passes, classes) = (how.epochs, how.class_weight.clone());
        with_stream(batches, passes, &classes, |source| self.fit_source(source, None, how, resumed))
    }

    /// The checkpoint from which a callback wants training to go on.
    fn resumed(&mut self, how: &mut Fit) -> Result<Option<Checkpoint>> {
        let found = how.callbacks.resume()?;
        if let Some(checkpoint) = &found {
            // Before anything is drawn from it: the order of samples is.
            self.seed = checkpoint.seed;
        }
        Ok(found)
    }

    fn fit_source(
        &mut self,
        source: &mut dyn Source,
        kept: Option<Dataset>,
        how: Fit,
        resumed: Option<Checkpoint>,
    ) -> Result<History> {
        let batch_size = how.batch_size.unwrap_or(32);
        let (validation, how) = how.validation(self, kept, batch_size)?;
        with_validation(validation, |validation| {
            let feed = Feed::new(source, how.steps_per_epoch);
            Run::new(self, feed, validation, how).all(resumed)
        })
    }
}
