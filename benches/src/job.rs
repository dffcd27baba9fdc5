//! What Cornu does in a workload: a model, its data, and what is done with them in a round.

use std::error::Error;
use std::time::Instant;

use cornu::{Fit, Model, Profile, Tensor, Verbose};
use stats_alloc::Region;

use crate::ALLOCATOR;
use crate::contestant::{Contestant, Question};
use crate::digest;
use crate::unit::Unit;

/// A job made ready, or why not.
pub(crate) type Made = Result<Job, Box<dyn Error>>;

/// Work for a round.
pub(crate) enum Job {
    /// Training for some epochs.
    Fit(Fitting),
    /// Predictions of the same samples, again and again.
    Predict(Predicting),
    /// Something else.
    Other(Contestant),
}

/// Training; the result is that of all epochs.
pub(crate) struct Fitting {
    pub(crate) model: Model,
    pub(crate) x: Tensor,
    pub(crate) y: Tensor,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
}

/// Predictions; the result is that of one.
pub(crate) struct Predicting {
    pub(crate) model: Model,
    pub(crate) x: Tensor,
    pub(crate) times: usize,
}

/// What a result stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Amount {
    pub(crate) samples: usize,
    /// Floating-point operations that Cornu's plan takes for them; a multiply-add counts as two.
    pub(crate) flops: f64,
    /// Bytes of all numbers that Cornu should hold: what its plan says, and the data.
    pub(crate) bytes: u64,
}

impl Job {
    /// Somebody who does it, warm.
    pub(crate) fn contestant(self, unit: Unit) -> Result<Contestant, String> {
        match self {
            Job::Fit(mut job) => {
                job.run(1)?;
                let samples = job.samples();
                let steps = job.x.shape()[0].div_ceil(job.batch_size);
                Ok(Contestant::new("cornu", move |question| match question {
                    Question::Round => Ok(unit.of(job.run(job.epochs)?, samples)),
                    Question::Allocated => allocated(|epochs| job.run(epochs).map(drop), steps),
                }))
            }
            Job::Predict(mut job) => {
                job.run(1)?;
                let samples = job.samples();
                Ok(Contestant::new("cornu", move |question| match question {
                    Question::Round => Ok(unit.of(job.run(job.times)?, samples)),
                    Question::Allocated => allocated(|times| job.run(times).map(drop), 1),
                }))
            }
            Job::Other(contestant) => Ok(contestant),
        }
    }

    /// What each kernel takes of a step on one batch; `None` where there is no model.
    pub(crate) fn profile(&mut self) -> Result<Option<Profile>, String> {
        let profile = match self {
            Job::Fit(job) => {
                let (x, y) = (first(&job.x, job.batch_size), first(&job.y, job.batch_size));
                job.model.profile_training(x, y)
            }
            Job::Predict(job) => job.model.profile_prediction(job.x.clone()),
            Job::Other(_) => return Ok(None),
        };
        profile.map(Some).map_err(|error| error.to_string())
    }

    /// A digest of the weights after a few steps, or of the predictions; `None` where there is no model.
    pub(crate) fn digest(self) -> Result<Option<u64>, String> {
        let tensors = match self {
            Job::Fit(mut job) => {
                // Two whole batches and a short one.
                let rows = 2 * job.batch_size + job.batch_size.div_ceil(3);
                (job.x, job.y) = (first(&job.x, rows), first(&job.y, rows));
                job.run(1)?;
                job.model.get_weights()
            }
            Job::Predict(mut job) => {
                let samples = job.samples();
                job.model.predict_tensors(&job.x, samples)
            }
            Job::Other(_) => return Ok(None),
        };
        tensors.map(|tensors| Some(digest::of(&tensors))).map_err(|error| error.to_string())
    }

    /// What a result stands for; `None` where there is no model. Nothing is run.
    pub(crate) fn amount(self) -> Result<Option<Amount>, String> {
        let amount = match self {
            Job::Fit(mut job) => {
                let (x, y) = (first(&job.x, job.batch_size), first(&job.y, job.batch_size));
                job.model.cost_of_training(x, y).map(|cost| {
                    let steps = job.samples() as f64 / job.batch_size as f64;
                    let data = [&job.x, &job.y].map(|tensor| tensor.ty().bytes() as u64);
                    let bytes = cost.memory_bytes() + data.iter().sum::<u64>();
                    Amount { samples: job.samples(), flops: steps * cost.flops as f64, bytes }
                })
            }
            // The batch is the data.
            Job::Predict(job) => job.model.cost(job.samples()).map(|cost| Amount {
                samples: job.samples(),
                flops: cost.flops as f64,
                bytes: cost.memory_bytes(),
            }),
            Job::Other(_) => return Ok(None),
        };
        amount.map(Some).map_err(|error| error.to_string())
    }
}

/// The bytes that each of `steps` steps allocates, of which `work` does all so often as it is told.
fn allocated(mut work: impl FnMut(usize) -> Result<(), String>, steps: usize) -> Result<f64, String> {
    let mut bytes = |times: usize| {
        let region = Region::new(ALLOCATOR);
        work(times).map(|()| region.change().bytes_allocated as f64)
    };
    // What is done once, at the beginning and the end, is no part of a step.
    let once = bytes(1)?;
    Ok((bytes(2)? - once) / steps as f64)
}

impl Fitting {
    /// Seconds of so many epochs.
    fn run(&mut self, epochs: usize) -> Result<f64, String> {
        let how = Fit::new().epochs(epochs).batch_size(self.batch_size).verbose(Verbose::Silent);
        let begun = Instant::now();
        self.model.fit(&self.x, &self.y, how).map_err(|error| error.to_string())?;
        Ok(begun.elapsed().as_secs_f64())
    }

    fn samples(&self) -> usize {
        self.epochs * self.x.shape()[0]
    }
}

impl Predicting {
    /// Seconds of one prediction, the mean of so many.
    fn run(&mut self, times: usize) -> Result<f64, String> {
        let samples = self.samples();
        let begun = Instant::now();
        for _ in 0..times {
            self.model.predict_tensors(&self.x, samples).map_err(|error| error.to_string())?;
        }
        Ok(begun.elapsed().as_secs_f64() / times as f64)
    }

    fn samples(&self) -> usize {
        self.x.shape()[0]
    }
}

/// The first rows of a tensor.
fn first(tensor: &Tensor, rows: usize) -> Tensor {
    let shape = tensor.shape();
    tensor.rearranged(&shape.with(0, rows.min(shape[0])), Some)
}
