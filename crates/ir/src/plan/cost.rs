//! Cost: what a plan needs, known before it runs.

use super::{BranchKernel, BufferId, Kernel, OpKernel, Place, Plan, Program, Step};
use crate::types::Type;

/// What one run of a plan takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Floating-point operations; a fused multiply-add counts as two.
    pub flops: u64,
    /// Bytes read and written in buffers, each buffer once for each step that uses it.
    pub bytes_moved: u64,
    /// Scratch memory in bytes, beside inputs, outputs and state.
    pub arena_bytes: u64,
    /// Memory of state, inputs and outputs in bytes.
    pub argument_bytes: u64,
    /// Number of kernels.
    pub kernels: u64,
}

impl BranchKernel {
    /// What the branch takes of which that is more: which one runs is not known before.
    fn dearer(&self, of: impl Fn(Cost) -> u64) -> u64 {
        of(self.then.cost()).max(of(self.otherwise.cost()))
    }
}

impl Plan {
    /// What one run takes.
    pub fn cost(&self) -> Cost {
        let total = |types: &[Type]| types.iter().map(|ty| ty.bytes() as u64).sum::<u64>();
        Cost {
            flops: self.steps.iter().map(|step| self.flops(step)).sum(),
            bytes_moved: self.steps.iter().map(|step| self.bytes_moved(step)).sum(),
            arena_bytes: self.arena_bytes as u64,
            argument_bytes: total(&self.inputs) + total(&self.outputs[self.state..]),
            kernels: self.steps.len() as u64,
        }
    }

    /// Floating-point operations of one of the steps.
    pub fn flops(&self, step: &Step) -> u64 {
        let work = |program: &Program, places: usize| program.instructions.len() as u64 * places as u64;
        match &step.kernel {
            Kernel::Map(map) => work(&map.program, map.elements),
            Kernel::Reduce(reduce) => {
                let elements = reduce.elements();
                elements as u64 + work(&reduce.head, elements) + work(&reduce.tail, reduce.results())
            }
            Kernel::Dot(dot) => {
                let results = dot.batch * dot.m * dot.n;
                2 * results as u64 * dot.k as u64 + work(&dot.tail, results)
            }
            Kernel::Op(OpKernel { op, operands, result, tail }) => {
                let ty = |id: &BufferId| &self.buffers[id.index()].ty;
                let args: Vec<&Type> = step.reads[..*operands].iter().map(ty).collect();
                op.rules().flops(&args, result) + work(tail, result.elements())
            }
            Kernel::Loop(kernel) => kernel.length as u64 * kernel.body.cost().flops,
            Kernel::Branch(kernel) => kernel.dearer(|cost| cost.flops),
        }
    }

    /// Bytes that one of the steps reads and writes.
    pub fn bytes_moved(&self, step: &Step) -> u64 {
        match &step.kernel {
            Kernel::Loop(kernel) => kernel.length as u64 * kernel.body.cost().bytes_moved,
            Kernel::Branch(kernel) => kernel.dearer(|cost| cost.bytes_moved),
            Kernel::Map(_) | Kernel::Reduce(_) | Kernel::Dot(_) | Kernel::Op(_) => {
                let buffers = step.reads.iter().chain(&step.writes).map(|id| &self.buffers[id.index()]);
                buffers
                    .filter(|buffer| !matches!(buffer.place, Place::Constant(_)))
                    .map(|buffer| buffer.ty.bytes() as u64)
                    .sum()
            }
        }
    }
}
