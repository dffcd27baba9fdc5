//! optimizer: how near the update of a large weight comes to the machine's memory bandwidth.

use cornu::optimizers::Optimizer;
use cornu::{Adam, Compile, Dense, Identifier, Input, Lamb, Lion, SGD, Sequential, Tensor};

use super::Workload;
use crate::contestant::{Contestant, Question};
use crate::data;
use crate::job::{Job, Made};
use crate::unit::Unit;

/// Gradient descent: the weight alone.
pub(crate) const SGD_PLAIN: Workload = updating("sgd", || work(SGD::new().into()));
/// The weight and its momentum.
pub(crate) const MOMENTUM: Workload = updating("momentum", || work(SGD::new().momentum(0.9).into()));
/// The weight and one average.
pub(crate) const LION: Workload = updating("lion", || work(Lion::new().into()));
/// The weight and two averages.
pub(crate) const ADAM: Workload = updating("adam", || work(Adam::new().into()));
/// The same in two passes, for its norms.
pub(crate) const LAMB: Workload = updating("lamb", || work(Lamb::new().into()));

/// Rows and columns: 64 MiB, more than caches hold.
const SIDE: usize = 4096;
const WEIGHT: u64 = 4 * (SIDE * SIDE) as u64;

const fn updating(measure: &'static str, work: fn() -> Made) -> Workload {
    Workload { name: "optimizer", measure, unit: Unit::Gigabytes, work }
}

/// A layer of one large matrix, trained on one sample, so that its gradient costs next to nothing.
fn work(optimizer: Identifier<dyn Optimizer>) -> Made {
    let layers = Sequential::new().add(Input::new([SIDE])).add(Dense::new(SIDE).use_bias(false));
    let mut model = layers.build()?;
    model.compile(Compile::new(optimizer, "mse"))?;
    let (x, y): (Tensor, Tensor) = (data::floats(&[1, SIDE], 1), data::floats(&[1, SIDE], 2));
    Ok(Job::Other(Contestant::new("cornu", move |question| {
        if question == Question::Allocated {
            return Err("a profile allocates more than the step it is of".to_string());
        }
        let profile = model.profile_training(&x, &y).map_err(|error| error.to_string())?;
        // All that moves as much as the weight but the first kernel, the forward pass.
        let update = profile.kernels.iter().filter(|kernel| kernel.bytes >= WEIGHT).skip(1);
        let (bytes, seconds) = update.fold((0, 0.0), |(bytes, seconds), kernel| {
            (bytes + kernel.bytes, seconds + kernel.time.as_secs_f64())
        });
        Ok(bytes as f64 / seconds / 1e9)
    })))
}
