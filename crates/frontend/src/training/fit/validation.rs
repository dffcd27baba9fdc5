//! Validation: on what a training is evaluated, and after which epochs.

use crate::error::{Error, Result};
use crate::model::Model;
use crate::training::class_weight::ClassWeight;
use crate::training::feed::{ArraySource, Feed, Source, with_stream};
use crate::training::stream::Batches;
use crate::training::{Dataset, Tensors};

/// After which epochs to evaluate. Keras: `validation_freq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationFreq {
    /// After every so many epochs.
    Every(usize),
    /// After these, counted from 1.
    After(Vec<usize>),
}

impl From<usize> for ValidationFreq {
    fn from(epochs: usize) -> ValidationFreq {
        ValidationFreq::Every(epochs)
    }
}

impl From<Vec<usize>> for ValidationFreq {
    fn from(epochs: Vec<usize>) -> ValidationFreq {
        ValidationFreq::After(epochs)
    }
}

impl<const N: usize> From<[usize; N]> for ValidationFreq {
    fn from(epochs: [usize; N]) -> ValidationFreq {
        ValidationFreq::After(epochs.into())
    }
}

impl ValidationFreq {
    pub(super) fn check(&self) -> Result<()> {
        match self {
            ValidationFreq::Every(0) => Err(Error::config("fit", "validation_freq", 0, "1 or more")),
            ValidationFreq::Every(_) | ValidationFreq::After(_) => Ok(()),
        }
    }

    /// Whether to evaluate after this epoch, counted from 0.
    fn selects(&self, epoch: usize) -> bool {
        match self {
            ValidationFreq::Every(epochs) => (epoch + 1).is_multiple_of(*epochs),
            ValidationFreq::After(epochs) => epochs.contains(&(epoch + 1)),
        }
    }
}

/// Samples to evaluate on.
pub(super) enum ValidationData {
    /// As they were given.
    Arrays { x: Tensors, y: Tensors, weights: Option<Tensors> },
    /// As the model takes them.
    Ready(Dataset),
    /// Made while the model trains.
    Stream(Box<dyn Batches>),
}

impl ValidationData {
    /// As the model takes them.
    pub(super) fn ready(self, model: &mut Model) -> Result<ValidationData> {
        match self {
            ValidationData::Arrays { x, y, weights } => {
                let (x, y) = (model.admit(x)?, model.targets(y)?);
                let weights = model.sample_weights(weights, y.len())?;
                Dataset::not_empty("validation_data", x, y, weights).map(ValidationData::Ready)
            }
            ValidationData::Ready(_) | ValidationData::Stream(_) => Ok(self),
        }
    }
}

/// What to evaluate on, and when.
pub(super) struct Validation {
    pub(super) data: ValidationData,
    pub(super) batch_size: usize,
    pub(super) steps: Option<usize>,
    pub(super) freq: ValidationFreq,
}

/// A validation whose batches can be had.
pub(super) struct OpenValidation<'v> {
    source: &'v mut dyn Source,
    steps: Option<usize>,
    freq: ValidationFreq,
}

impl OpenValidation<'_> {
    /// The batches to evaluate on after this epoch, if it is one of those selected.
    pub(super) fn feed(&mut self, epoch: usize) -> Option<Feed<'_>> {
        self.freq.selects(epoch).then(|| Feed::new(&mut *self.source, self.steps))
    }
}

/// Opens a validation for the time of `work`.
pub(super) fn with_validation<T>(
    validation: Option<Validation>,
    work: impl FnOnce(Option<OpenValidation<'_>>) -> Result<T>,
) -> Result<T> {
    let Some(Validation { data, batch_size, steps, freq }) = validation else { return work(None) };
    match data {
        ValidationData::Ready(data) => {
            let mut source = ArraySource::new(&data, batch_size, None);
            work(Some(OpenValidation { source: &mut source, steps, freq }))
        }
        ValidationData::Stream(batches) => {
            // As in Keras, classes have no weights when a model is evaluated.
            with_stream(batches, 0, &ClassWeight::default(), |source| {
                work(Some(OpenValidation { source, steps, freq }))
            })
        }
        ValidationData::Arrays { .. } => unreachable!("arrays are made ready before validation is opened"),
    }
}
