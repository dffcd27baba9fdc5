//! Cost: what a step takes, known before anything runs.

use std::fmt;

use cornu_ir::plan::{self, Plan};
use cornu_ir::{Graph, Type, passes};

use super::step::StepWriter;
use super::{Dataset, IntoTensors};
use crate::error::Result;
use crate::model::Model;

/// What a step takes.
///
/// The memory is that of the numbers: beside it a process holds its program, the stacks of its threads, and the data
/// that batches are taken from, whose clones take no memory of their own if they are given as tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Numbers in all weights.
    pub parameters: u64,
    /// Floating-point operations; a fused multiply-add counts as two.
    pub flops: u64,
    /// Bytes read and written in buffers, each buffer once for each kernel that uses it.
    pub bytes_moved: u64,
    /// Number of kernels.
    pub kernels: u64,
    /// Bytes of all that stays from step to step: weights, the optimizer's variables, metrics, what layers remember.
    pub state_bytes: u64,
    /// Bytes of the batch, as it lies on the device, and of what the step gives back.
    pub batch_bytes: u64,
    /// Bytes of what kernels leave for each other.
    pub arena_bytes: u64,
    /// Bytes of constants, and of what threads work in.
    pub workspace_bytes: u64,
}

impl Cost {
    /// The most memory that numbers take at any time, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.state_bytes + self.batch_bytes + self.arena_bytes + self.workspace_bytes
    }

    fn of(model: &Model, graph: &Graph, given: &[Type]) -> Result<Cost> {
        let plan = plan::plan(&passes::optimize(graph));
        let bytes = |types: &[Type]| types.iter().map(|ty| ty.bytes() as u64).sum::<u64>();
        let plan::Cost { flops, bytes_moved, arena_bytes, argument_bytes: _, kernels } = plan.cost();
        Ok(Cost {
            parameters: model.count_params() as u64,
            flops,
            bytes_moved,
            kernels,
            state_bytes: bytes(&plan.inputs) - bytes(given),
            batch_bytes: bytes(given) + bytes(results(&plan)),
            arena_bytes,
            workspace_bytes: model.backend.workspace_bytes(&plan)?,
        })
    }
}

/// What is not state.
fn results(plan: &Plan) -> &[Type] {
    &plan.outputs[plan.state..]
}

/// In a few words, for people.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let Cost { parameters, flops, bytes_moved, kernels, .. } = self;
        let (megaflops, megabytes) = (*flops as f64 / 1e6, *bytes_moved as f64 / 1e6);
        writeln!(
            f,
            "{parameters} parameters; {kernels} kernels; {megaflops:.2} MFLOP; {megabytes:.2} MB moved"
        )?;
        write!(
            f,
            "{:.2} MiB of memory: state {:.2}, batch {:.2}, between kernels {:.2}, workspaces {:.2}",
            mib(self.memory_bytes()),
            mib(self.state_bytes),
            mib(self.batch_bytes),
            mib(self.arena_bytes),
            mib(self.workspace_bytes),
        )
    }
}

impl Model {
    /// What predicting a batch of so many samples takes: operations, bytes moved, memory. Nothing is run. Sizes that
    /// the model leaves open are taken to be `batch_size`, too.
    pub fn cost(&self, batch_size: usize) -> Result<Cost> {
        let built = self.built()?;
        let given: Vec<Type> = built
            .trace
            .feeds
            .iter()
            .map(|spec| spec.with_unknown(batch_size))
            .map(|ty| ty.with_shape(ty.shape.with(0, batch_size)))
            .collect();
        let writer = StepWriter { network: &*self.network, built, compiled: None };
        Cost::of(self, &writer.predict(&given)?, &given)
    }

    /// What a training step on these samples takes, as one batch. Nothing is run.
    pub fn cost_of_training(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<Cost> {
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let batch = Dataset::new(x, y, Vec::new())?.whole(&self.built()?.trace.host)?;
        self.decide_goals(&batch)?;
        let (built, given) = (self.built()?, batch.types());
        let writer = StepWriter { network: &*self.network, built, compiled: self.compiled.as_ref() };
        Cost::of(self, &writer.train(&given, 0)?, &given)
    }
}
