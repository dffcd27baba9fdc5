//! Bodies: plans that run inside another, on the memory around them: loops and branches.
//!
//! A loop is unrolled when the step is recorded: its kernels are launched once for each turn, with the addresses of
//! that turn's slices. Of a branch both plans are launched, each behind a flag on the device that one small kernel has
//! set from the predicate; so nothing waits for the host to look.

use cornu_ir::error::BackendError;
use cornu_ir::plan::{BranchKernel, BufferId, LoopKernel, Place, Plan, Step};
use cornu_ir::types::Type;

use crate::kernels::{branch, copy};
use crate::launch::{Binding, Body, BufferIndex, Work};
use crate::lower::{Lowered, Lowering, lower_checked};

/// Slices whose distance is a multiple of this many bytes begin where memory is read fastest, if the first does.
const ALIGNED: usize = 16;

/// Where the state, the inputs and the outputs of a body lie around it.
struct Shared {
    state: Vec<Binding>,
    inputs: Vec<Binding>,
    outputs: Vec<Binding>,
}

impl Shared {
    fn is_aligned(&self) -> bool {
        let mut bindings = self.state.iter().chain(&self.inputs).chain(&self.outputs);
        bindings.all(|binding| binding.stride.is_multiple_of(ALIGNED))
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
    push_bodies(lowering, &[(body, None)], &shared, *length, *reverse)
}

/// Lowers a branch: copies of the state to where its next values are wanted, if it does not lie there, then both
/// bodies, each behind a flag.
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
    let flags = [lowering.temporary(1), lowering.temporary(1)];
    lowering.push(branch::flags(step.reads[0].index(), flags));
    let bodies = [(then, Some(flags[0])), (otherwise, Some(flags[1]))];
    push_bodies(lowering, &bodies, &shared, 1, false)
}

/// Lowers plans of which one runs at a time: they share their scratch memory, and what lies around them.
fn push_bodies(
    lowering: &mut Lowering<'_>,
    plans: &[(&Plan, Option<BufferIndex>)],
    shared: &Shared,
    length: usize,
    reverse: bool,
) -> Result<(), BackendError> {
    let aligned = lowering.aligned && shared.is_aligned();
    let mut lowered: Vec<Lowered> = Vec::with_capacity(plans.len());
    for (plan, _) in plans {
        lowered.push(lower_checked(plan, lowering.source, lowering.architecture, aligned)?);
    }
    let arena = lowering.temporary(lowered.iter().map(|body| body.arena_bytes).max().unwrap_or(0));
    for (Lowered { works, places, constants, .. }, &(_, guard)) in lowered.into_iter().zip(plans) {
        let constants: Vec<BufferIndex> =
            constants.into_iter().map(|constant| lowering.constant(constant)).collect();
        let bind = |place: &Place| match *place {
            Place::State(index) => shared.state[index],
            Place::Input(index) => shared.inputs[index],
            Place::Output(index) => shared.outputs[index],
            Place::Constant(index) => Binding::whole(constants[index]),
            Place::Arena(offset) => Binding { offset, ..Binding::whole(arena) },
        };
        let bindings = places.iter().map(bind).collect();
        lowering.push_work(Work::Body(Body { works, bindings, guard, length, reverse }));
    }
    Ok(())
}

/// The buffer that a step writes output `output` of its body to, `outputs` being those that it writes.
fn written(step: &Step, outputs: &[usize], output: usize) -> Option<BufferIndex> {
    let place = outputs.iter().position(|&kept| kept == output)?;
    Some(step.writes[place].index())
}

/// A buffer for each output of a body: where it is wanted. One that nobody wants is written all the same.
fn homes(lowering: &mut Lowering<'_>, body: &Plan, step: &Step, outputs: &[usize]) -> Vec<BufferIndex> {
    let mut home = |(output, ty): (usize, &Type)| {
        written(step, outputs, output).unwrap_or_else(|| lowering.temporary(ty.bytes()))
    };
    body.outputs.iter().enumerate().map(&mut home).collect()
}

/// Brings the state of a body home, where it lives while the body runs, unless it lies there already.
fn bring_home(lowering: &mut Lowering<'_>, state: &[Type], from: &[BufferId], homes: &[BufferIndex]) {
    for ((ty, from), &home) in state.iter().zip(from).zip(homes) {
        let is_home = lowering.place(from.index()) == lowering.place(home);
        if ty.elements() > 0 && !is_home {
            lowering.push(copy::whole(ty, from.index(), home, lowering.aligned));
        }
    }
}
