//! Profile: what each kernel of a step takes, beside what it has to compute and to move.

use std::fmt;
use std::time::Duration;

use cornu_ir::Tensor;
use cornu_ir::backend::Limits;
use cornu_ir::plan::Plan;

use super::compile::Layout;
use super::{Dataset, IntoTensors};
use crate::error::{Error, Result};
use crate::layers::Spec;
use crate::model::{Model, Purpose};

/// How often a step is run; the least time of each kernel counts.
const RUNS: usize = 10;

/// The kernels of a step in the order in which they run, with the time that each takes.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Every kernel.
    pub kernels: Vec<KernelProfile>,
    /// What the device can do at most, if it can say and was asked.
    pub limits: Option<Limits>,
}

/// What one kernel takes.
#[derive(Clone, Debug)]
pub struct KernelProfile {
    /// Types of its results, and what it is.
    pub kernel: String,
    /// The layers that it computes: the one it is built around, then those fused with it. Then those of which it
    /// computes the gradient.
    pub layers: String,
    /// Floating-point operations; a fused multiply-add counts as two.
    pub flops: u64,
    /// Bytes of the buffers that it reads and writes.
    pub bytes: u64,
    /// The least time of several runs.
    pub time: Duration,
}

impl Profile {
    fn new(plan: &Plan, times: &[Duration]) -> Profile {
        let kernel = |(step, &time)| KernelProfile {
            kernel: plan.headline(step),
            layers: step.origins.to_string(),
            flops: plan.flops(step),
            bytes: plan.bytes_moved(step),
            time,
        };
        Profile { kernels: plan.steps.iter().zip(times).map(kernel).collect(), limits: None }
    }

    /// The time of all kernels.
    pub fn total(&self) -> Duration {
        self.kernels.iter().map(|kernel| kernel.time).sum()
    }
}

impl KernelProfile {
    /// The least time that a device with these limits needs for the work, over the time that was taken. It may exceed 1
    /// where buffers stay in caches, which are faster than the memory.
    pub fn share_of(&self, limits: &Limits) -> f64 {
        let least = (self.flops as f64 / limits.flops).max(self.bytes as f64 / limits.bytes_per_second);
        least / seconds(self.time)
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64().max(1e-9)
}

/// A line for each kernel: its share of the time, microseconds, GFLOP/s, GB/s, the share of the limit, the layers, and
/// what it is.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total().as_secs_f64().max(f64::MIN_POSITIVE);
        let width = self.kernels.iter().map(|kernel| kernel.layers.chars().count()).max().unwrap_or(0).max(6);
        writeln!(f, "  share       us  GFLOP/s    GB/s  of limit  {:width$}  kernel", "layers")?;
        for profile in &self.kernels {
            let KernelProfile { kernel, layers, flops, bytes, time } = profile;
            let seconds = seconds(*time);
            let share = 100.0 * seconds / total;
            let (arithmetic, memory) = (*flops as f64 / seconds / 1e9, *bytes as f64 / seconds / 1e9);
            let of_limit = self.limits.map(|limits| format!("{:.0} %", 100.0 * profile.share_of(&limits)));
            let of_limit = of_limit.unwrap_or_default();
            write!(f, "{share:5.1} % {:8.1} {arithmetic:8.1} {memory:7.1} {of_limit:>9}", seconds * 1e6)?;
            writeln!(f, "  {layers:width$}  {kernel}")?;
        }
        writeln!(f, "{:8} {:8.1}", "total", total * 1e6)
    }
}

impl Model {
    /// What each kernel of a training step on these samples takes. The step is run several times; weights and all else
    /// that it changes are as before when this returns.
    pub fn profile_training(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Profile> {
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let batch = Dataset::not_empty("a profile", x, y, Vec::new())?.whole(&self.built()?.trace.host)?;
        self.decide_goals(&batch)?;
        self.unchanged(|model| {
            let signature = model.train_step(&batch, false)?;
            let Some(program) = model.programs.get_mut(&signature) else { return Ok(Profile::default()) };
            let times = least(|| program.profile(&mut model.state, &[]))?;
            Ok(Profile::new(program.plan(), &times))
        })
    }

    /// What each kernel of a prediction for these samples takes, all of them in one batch.
    pub fn profile_prediction(&mut self, x: impl IntoTensors) -> Result<Profile> {
        let x = self.admit(x)?;
        let data = Dataset::not_empty("a profile", x, Vec::new(), Vec::new())?;
        let batch = data.whole(&self.built()?.trace.host)?;
        self.unchanged(|model| {
            model.predict_step(&batch)?;
            let signature = model.prepare(Purpose::Predict, &batch)?;
            let built = model.built()?;
            let (weights, layout) = (built.saved(), Layout::of(built, model.compiled.as_ref()));
            let Some(program) = model.programs.get_mut(&signature) else { return Ok(Profile::default()) };
            let (before, rest) = model.state.split_at_mut(layout.remembered);
            let state = &mut rest[..layout.metrics - layout.remembered];
            let times = least(|| program.profile(state, &before[..weights]))?;
            Ok(Profile::new(program.plan(), &times))
        })
    }

    /// What each kernel of a prediction for so many samples takes, measured on zeros, beside what the device can do at
    /// most. Sizes that the model leaves open are taken as [`Model::cost`] does.
    pub fn explain(&mut self, batch_size: usize) -> Result<Profile> {
        let specs = &self.built()?.inputs;
        if specs.iter().any(Spec::is_text) {
            let what = "a model that takes strings has no fixed program to explain".to_string();
            return Err(Error::Data { what });
        }
        let zeros = |spec: &Spec| {
            let ty = spec.with_unknown(batch_size);
            Tensor::zeros(&ty.with_shape(ty.shape.with(0, batch_size)))
        };
        let x: Vec<Tensor> = specs.iter().map(zeros).collect();
        let limits = self.backend.limits();
        Ok(Profile { limits, ..self.profile_prediction(x)? })
    }

    /// Puts the state back after `work`.
    fn unchanged<T>(&mut self, work: impl FnOnce(&mut Model) -> Result<T>) -> Result<T> {
        let before: Vec<Tensor> =
            self.state.iter().map(|buffer| Ok(self.backend.download(buffer)?)).collect::<Result<_>>()?;
        let done = work(self);
        for (buffer, value) in self.state.iter_mut().zip(&before) {
            self.backend.write(buffer, value)?;
        }
        done
    }
}

/// The least time of each kernel over several runs.
fn least(mut run: impl FnMut() -> Result<Vec<Duration>>) -> Result<Vec<Duration>> {
    let mut least = run()?;
    for _ in 1..RUNS {
        least.iter_mut().zip(run()?).for_each(|(least, time)| *least = time.min(*least));
    }
    Ok(least)
}
