//! Branches: two bodies, of which a run takes one.

use cornu_ir::error::BackendError;
use cornu_ir::plan::{BranchKernel, Step};

use crate::body::{Binding, Body, Shared, bring_home, homes};
use crate::kernels::{BufferIndex, Span};
use crate::lower::Lowering;
use crate::work::{Runner, Work};

/// One of two bodies, by what a buffer holds when its turn comes.
pub(crate) struct Branch {
    predicate: BufferIndex,
    then: Body,
    otherwise: Body,
}

impl Branch {
    /// What either branch does.
    pub(crate) fn works(&self) -> [&[Work]; 2] {
        [self.then.works(), self.otherwise.works()]
    }

    pub(crate) fn run(&mut self, around: &[Span], runner: &mut impl Runner) {
        let holds = runner.holds(self.predicate, around);
        let taken = if holds { &mut self.then } else { &mut self.otherwise };
        taken.run(0, around, runner);
    }
}

/// Lowers a branch: copies of the state to where its next values are wanted, if it does not lie there, then both
/// bodies.
pub(crate) fn lower_branch(
    lowering: &mut Lowering<'_>,
    kernel: &BranchKernel,
    step: &Step,
) -> Result<(), BackendError> {
    let BranchKernel { then, otherwise, outputs } = kernel;
    let homes = homes(lowering, then, step, outputs);
    bring_home(lowering, &then.inputs[..then.state], &step.reads[1..], &homes);
    let whole = |buffers: &[BufferIndex]| buffers.iter().copied().map(Binding::whole).collect();
    let inputs: Vec<BufferIndex> = step.reads[1 + then.state..].iter().map(|id| id.index()).collect();
    let shared = Shared {
        state: whole(&homes[..then.state]),
        inputs: whole(&inputs),
        outputs: whole(&homes[then.state..]),
    };
    let [then, otherwise] = Body::lower_all(lowering, [then, otherwise], &shared)?;
    lowering.push_work(Work::Branch(Branch { predicate: step.reads[0].index(), then, otherwise }));
    Ok(())
}
