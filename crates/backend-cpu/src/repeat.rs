//! Loops: a body, run once for each step on slices of the buffers around it.

use cornu_ir::error::BackendError;
use cornu_ir::plan::{LoopKernel, Step};

use crate::body::{Binding, Body, Shared, bring_home, homes, written};
use crate::kernels::Span;
use crate::lanes::lower_lanes;
use crate::lower::Lowering;
use crate::work::{Runner, Work};

/// A body that runs `length` times.
pub(crate) struct Loop {
    length: usize,
    reverse: bool,
    body: Body,
}

impl Loop {
    /// What it does in each step.
    pub(crate) fn works(&self) -> &[Work] {
        self.body.works()
    }

    pub(crate) fn run(&mut self, around: &[Span], runner: &mut impl Runner) {
        for turn in 0..self.length {
            let step = if self.reverse { self.length - 1 - turn } else { turn };
            self.body.run(step, around, runner);
        }
    }
}

/// Lowers a loop: copies of the first carries to where they live, then the loop over the lowered body.
pub(crate) fn lower_loop(
    lowering: &mut Lowering<'_>,
    kernel: &LoopKernel,
    step: &Step,
) -> Result<(), BackendError> {
    let LoopKernel { body, length, reverse, sequences, outputs } = kernel;
    // A carry lives where its last value is wanted.
    let homes = homes(lowering, body, step, outputs);
    bring_home(lowering, &body.inputs[..body.state], &step.reads, &homes);
    let input = |index: usize| {
        let stride = if index < body.state + sequences { body.inputs[index].bytes() } else { 0 };
        Binding::sliced(step.reads[index].index(), stride)
    };
    let output = |output: usize| {
        let is_wanted = written(step, outputs, output).is_some();
        Binding::sliced(homes[output], if is_wanted { body.outputs[output].bytes() } else { 0 })
    };
    let shared = Shared {
        state: homes[..body.state].iter().copied().map(Binding::whole).collect(),
        inputs: (body.state..body.inputs.len()).map(input).collect(),
        outputs: (body.state..body.outputs.len()).map(output).collect(),
    };
    if lower_lanes(lowering, kernel, step, &shared)? {
        return Ok(());
    }
    let [body] = Body::lower_all(lowering, [body], &shared)?;
    lowering.push_work(Work::Loop(Loop { length: *length, reverse: *reverse, body }));
    Ok(())
}
