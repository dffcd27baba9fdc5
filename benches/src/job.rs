//! What Cornu does in a workload: a model, its data, and what is done with them in a round.

use std::error::Error;
use std::time::Instant;

use cornu::{Fit, Model, Profile, Tensor, Verbose};

use crate::contestant::Contestant;

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

/// Training, with how the result follows from the seconds.
pub(crate) struct Fitting {
    pub(crate) model: Model,
    pub(crate) x: Tensor,
    pub(crate) y: Tensor,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) unit: fn(seconds: f64, samples: usize) -> f64,
}

/// Predictions, with how the result follows from the seconds that one takes.
pub(crate) struct Predicting {
    pub(crate) model: Model,
    pub(crate) x: Tensor,
    pub(crate) times: usize,
    pub(crate) unit: fn(seconds: f64, samples: usize) -> f64,
}

impl Job {
    /// Somebody who does it, warm.
    pub(crate) fn contestant(self) -> Result<Contestant, String> {
        match self {
            Job::Fit(mut job) => {
                job.run(1)?;
                Ok(Contestant::new("cornu", move || job.run(job.epochs)))
            }
            Job::Predict(mut job) => {
                job.run(1)?;
                Ok(Contestant::new("cornu", move || job.run(job.times)))
            }
            Job::Other(contestant) => Ok(contestant),
        }
    }

    /// What each kernel takes of a step on one batch; `None` where there is no model.
    pub(crate) fn profile(self) -> Result<Option<Profile>, String> {
        let profile = match self {
            Job::Fit(mut job) => {
                let (x, y) = (first(&job.x, job.batch_size), first(&job.y, job.batch_size));
                job.model.profile_training(x, y)
            }
            Job::Predict(mut job) => job.model.profile_prediction(job.x),
            Job::Other(_) => return Ok(None),
        };
        profile.map(Some).map_err(|error| error.to_string())
    }
}

impl Fitting {
    fn run(&mut self, epochs: usize) -> Result<f64, String> {
        let how = Fit::new().epochs(epochs).batch_size(self.batch_size).verbose(Verbose::Silent);
        let begun = Instant::now();
        self.model.fit(&self.x, &self.y, how).map_err(|error| error.to_string())?;
        Ok((self.unit)(begun.elapsed().as_secs_f64(), epochs * self.x.shape()[0]))
    }
}

impl Predicting {
    fn run(&mut self, times: usize) -> Result<f64, String> {
        let samples = self.x.shape()[0];
        let begun = Instant::now();
        for _ in 0..times {
            self.model.predict_tensors(&self.x, samples).map_err(|error| error.to_string())?;
        }
        Ok((self.unit)(begun.elapsed().as_secs_f64() / times as f64, samples))
    }
}

/// Samples a second.
pub(crate) fn samples_a_second(seconds: f64, samples: usize) -> f64 {
    samples as f64 / seconds
}

/// The first rows of a tensor.
fn first(tensor: &Tensor, rows: usize) -> Tensor {
    let shape = tensor.shape();
    tensor.rearranged(&shape.with(0, rows.min(shape[0])), Some)
}
