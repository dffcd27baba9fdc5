//! A stream as a source: batches from a thread, checked and prepared as the model needs them.

use super::background::Background;
use super::{FeedPosition, Source};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::training::batches::{Dataset, ReadyBatch};
use crate::training::class_weight::ClassWeight;
use crate::training::stream::Batches;

/// How many batches are ready at most before they are needed.
const READY: usize = 4;

/// Runs `work` over these batches; `passes` is how many passes it will make at most.
pub(crate) fn with_stream<T>(
    batches: impl Batches,
    passes: usize,
    class_weight: &ClassWeight,
    work: impl FnOnce(&mut dyn Source) -> Result<T>,
) -> Result<T> {
    std::thread::scope(|scope| {
        let (steps, goes_on) = (batches.steps(), batches.goes_on());
        let background = Background::start(scope, batches, READY)?;
        let mut source = StreamSource {
            background,
            steps,
            goes_on,
            passes,
            class_weight,
            pass: 0,
            begun: None,
            untouched: true,
        };
        work(&mut source)
    })
}

struct StreamSource<'c> {
    background: Background,
    steps: Option<usize>,
    goes_on: bool,
    passes: usize,
    class_weight: &'c ClassWeight,
    /// The pass that batches come from.
    pass: usize,
    /// A pass that was begun ahead of time.
    begun: Option<usize>,
    /// Whether no batch was asked for yet.
    untouched: bool,
}

impl Source for StreamSource<'_> {
    fn steps(&self) -> Option<usize> {
        self.steps
    }

    fn begin(&mut self, at: FeedPosition) -> Result<()> {
        let ahead = self.begun.take() == Some(at.pass) && at.taken == 0;
        if !ahead {
            // One iterator for all passes has stayed where it was, unless this process has just begun.
            let skip = match self.goes_on {
                true => at.total * usize::from(self.untouched),
                false => at.taken,
            };
            self.background.ask(at.pass, skip);
        }
        (self.pass, self.untouched) = (at.pass, false);
        Ok(())
    }

    fn next(&mut self, model: &mut Model) -> Result<Option<ReadyBatch>> {
        let Some(batch) = self.background.next()? else {
            let next = self.pass + 1;
            if !self.goes_on && next < self.passes {
                self.background.ask(next, 0);
                self.begun = Some(next);
            }
            return Ok(None);
        };
        let (x, y) = (model.admit(batch.x)?, model.targets(batch.y)?);
        let weights = self.class_weight.beside(&y, model.sample_weights(batch.weights, y.len())?)?;
        let data = Dataset::not_empty("a batch of a stream", x, y, weights)?;
        data.whole(&model.built()?.trace.host).map(Some)
    }
}

impl Error {
    /// What a stream of batches says went wrong.
    pub(crate) fn stream(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Stream(error.into())
    }
}
