//! Streams: batches that a program makes while the model trains. Keras: generators, `PyDataset`.

use std::error::Error as StdError;
use std::ops::ControlFlow;

use super::{IntoTensors, Tensors};
use crate::error::{Error, Result};

/// Samples of one step: inputs, targets, and how much each sample counts.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) x: Tensors,
    pub(crate) y: Tensors,
    pub(crate) weights: Option<Tensors>,
}

impl Batch {
    /// Inputs and targets, one row for each sample.
    pub fn new(x: impl IntoTensors, y: impl IntoTensors) -> Batch {
        Batch { x: x.into_tensors(), y: y.into_tensors(), weights: None }
    }

    /// Inputs alone, to predict for.
    pub fn inputs(x: impl IntoTensors) -> Batch {
        Batch { x: x.into_tensors(), y: Tensors::InOrder(Vec::new()), weights: None }
    }

    /// With how much each sample counts: one array for all outputs, or one for each, in order or by name.
    pub fn sample_weight(mut self, weights: impl IntoTensors) -> Batch {
        self.weights = Some(weights.into_tensors());
        self
    }
}

/// What an iterator over batches may yield: a [`Batch`], `(x, y)`, `(x, y, sample_weight)`, or a result with one.
pub trait IntoBatch {
    /// The batch, or why there is none.
    fn into_batch(self) -> Result<Batch>;
}

impl IntoBatch for Batch {
    fn into_batch(self) -> Result<Batch> {
        Ok(self)
    }
}

impl<X: IntoTensors, Y: IntoTensors> IntoBatch for (X, Y) {
    fn into_batch(self) -> Result<Batch> {
        Ok(Batch::new(self.0, self.1))
    }
}

impl<X: IntoTensors, Y: IntoTensors, W: IntoTensors> IntoBatch for (X, Y, W) {
    fn into_batch(self) -> Result<Batch> {
        Ok(Batch::new(self.0, self.1).sample_weight(self.2))
    }
}

impl<B: IntoBatch, E: Into<Box<dyn StdError + Send + Sync>>> IntoBatch for std::result::Result<B, E> {
    fn into_batch(self) -> Result<Batch> {
        match self {
            Ok(batch) => batch.into_batch(),
            Err(error) => Err(Error::stream(error)),
        }
    }
}

/// Where batches come from, pass after pass through the data.
///
/// A closure that makes an iterator for the pass of a number, counted from 0, is one; so is a [`Stream`], which goes
/// through one iterator for as long as training lasts. `fit` makes a pass in each epoch; with `steps_per_epoch`, an
/// epoch takes so many batches, and the next goes on where it stopped.
///
/// Batches are made on a thread of their own, a few ahead of the step that needs them. An error ends the training, and
/// so does a panic, which becomes an error.
///
/// ```
/// use cornu::{Compile, Dense, Fit, Input, Sequential, Verbose};
/// use ndarray::Array2;
///
/// let mut model = Sequential::new().add(Input::new([4])).add(Dense::new(1)).build()?;
/// model.compile(Compile::new("sgd", "mse"))?;
/// let batch = |number| (Array2::from_elem((8, 4), number as f32), Array2::from_elem((8, 1), 1.0));
/// let history = model.fit_batches(|_pass| (0..10).map(batch), Fit::new().epochs(2).verbose(Verbose::Silent))?;
/// assert_eq!(history.epoch, [0, 1]);
/// # Ok::<(), cornu::Error>(())
/// ```
pub trait Batches: Send {
    /// Gives the batches of pass number `pass`, counted from 0, without its first `skip`, until one is not taken.
    /// Training that goes on from a checkpoint asks for a later pass first, and skips the batches it had.
    fn pass(&mut self, pass: usize, skip: usize, give: &mut Give<'_>);

    /// The number of batches in a pass, if it is known: the progress bar shows it.
    fn steps(&self) -> Option<usize> {
        None
    }

    /// Whether each pass goes on where the one before stopped, and does not begin anew.
    fn goes_on(&self) -> bool {
        false
    }
}

/// Takes a batch, or why there is none, and breaks when it wants no more.
pub type Give<'g> = dyn FnMut(Result<Batch>) -> ControlFlow<()> + 'g;

/// Gives what an iterator yields behind the first `skip`: by [`Iterator::nth`], which may be fast.
fn give_all(mut batches: impl Iterator<Item: IntoBatch>, skip: usize, give: &mut Give<'_>) {
    if skip > 0 && batches.nth(skip - 1).is_none() {
        return;
    }
    // What breaks it is no concern here.
    let _ = batches.map(IntoBatch::into_batch).try_for_each(give);
}

impl<F, I> Batches for F
where
    F: FnMut(usize) -> I + Send,
    I: IntoIterator<Item: IntoBatch>,
{
    fn pass(&mut self, pass: usize, skip: usize, give: &mut Give<'_>) {
        give_all(self(pass).into_iter(), skip, give);
    }
}

impl Batches for Box<dyn Batches> {
    fn pass(&mut self, pass: usize, skip: usize, give: &mut Give<'_>) {
        (**self).pass(pass, skip, give);
    }

    fn steps(&self) -> Option<usize> {
        (**self).steps()
    }

    fn goes_on(&self) -> bool {
        (**self).goes_on()
    }
}

/// Batches of one iterator, which may be endless. Give `steps_per_epoch`, unless there is one epoch.
pub struct Stream<I>(I);

impl<I: Iterator<Item: IntoBatch> + Send> Stream<I> {
    /// The batches that this yields.
    pub fn new(batches: impl IntoIterator<IntoIter = I>) -> Stream<I> {
        Stream(batches.into_iter())
    }
}

impl<I: Iterator<Item: IntoBatch> + Send> Batches for Stream<I> {
    fn pass(&mut self, _: usize, skip: usize, give: &mut Give<'_>) {
        give_all(self.0.by_ref(), skip, give);
    }

    fn goes_on(&self) -> bool {
        true
    }
}
