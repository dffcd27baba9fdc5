//! Bodies: lowered plans that run inside another, on the memory around them.

use cornu_ir::error::BackendError;
use cornu_ir::plan::{BufferId, Place, Plan, Step};
use cornu_ir::types::Type;

use crate::kernels::copy::{Axis, CopyTask, Side};
use crate::kernels::{BufferIndex, Span};
use crate::lower::{Lowered, Lowering, lower_checked, lower_lane};
use crate::work::{Runner, Work};

/// The work of a plan inside another.
pub(crate) struct Body {
    works: Vec<Work>,
    /// Where the buffers of the body lie during one turn.
    spans: Vec<Span>,
    /// For each buffer of the body where it lies in those around it.
    bindings: Vec<Binding>,
}

/// Where a buffer of the body lies: this many bytes into a buffer around it, and so many further at each turn.
#[derive(Clone, Copy)]
pub(crate) struct Binding {
    around: BufferIndex,
    offset: usize,
    stride: usize,
}

/// Where the state, the inputs and the outputs of a body lie around it.
pub(crate) struct Shared {
    pub(crate) state: Vec<Binding>,
    pub(crate) inputs: Vec<Binding>,
    pub(crate) outputs: Vec<Binding>,
}

impl Binding {
    /// At the beginning of a buffer.
    pub(crate) fn whole(around: BufferIndex) -> Binding {
        Binding { around, offset: 0, stride: 0 }
    }

    /// So many bytes further on.
    pub(crate) fn further(self, bytes: usize) -> Binding {
        Binding { offset: self.offset + bytes, ..self }
    }

    /// At slices of a buffer, so many bytes apart.
    pub(crate) fn sliced(around: BufferIndex, stride: usize) -> Binding {
        Binding { around, offset: 0, stride }
    }
}

impl Body {
    /// Lowers plans of which one runs at a time: they share their scratch memory, and what lies around them.
    pub(crate) fn lower_all<const N: usize>(
        lowering: &mut Lowering<'_>,
        plans: [&Plan; N],
        shared: &Shared,
    ) -> Result<[Body; N], BackendError> {
        let lowered: Result<Vec<Lowered>, BackendError> =
            plans.iter().map(|plan| lower_checked(plan, lowering.isa, lowering.threads)).collect();
        let lowered = lowered?;
        let arena = lowering.temporary(lowered.iter().map(|body| body.arena_bytes).max().unwrap_or(0));
        let bodies: Vec<Body> =
            lowered.into_iter().map(|body| Body::new(lowering, body, arena, shared)).collect();
        let Ok(bodies) = <[Body; N]>::try_from(bodies) else { unreachable!("each plan becomes a body") };
        Ok(bodies)
    }

    /// Lowers a plan that one thread runs: see [`lower_lane`].
    pub(crate) fn lower_lane(
        lowering: &mut Lowering<'_>,
        plan: &Plan,
        shared: &Shared,
    ) -> Result<Body, BackendError> {
        let lowered = lower_lane(plan, lowering.isa)?;
        let arena = lowering.temporary(lowered.arena_bytes);
        Ok(Body::new(lowering, lowered, arena, shared))
    }

    fn new(lowering: &mut Lowering<'_>, lowered: Lowered, arena: BufferIndex, shared: &Shared) -> Body {
        let Lowered { works, places, bytes, constants, .. } = lowered;
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
        let spans = bytes.into_iter().map(|bytes| Span { pointer: std::ptr::null_mut(), bytes }).collect();
        Body { works, spans, bindings }
    }

    /// Its tasks, loops and branches.
    pub(crate) fn works(&self) -> &[Work] {
        &self.works
    }

    /// Runs it once, as turn number `turn`.
    pub(crate) fn run(&mut self, turn: usize, around: &[Span], runner: &mut impl Runner) {
        for (span, binding) in self.spans.iter_mut().zip(&self.bindings) {
            let Binding { around: buffer, offset, stride } = *binding;
            span.pointer = around[buffer].pointer.wrapping_add(offset + turn * stride);
        }
        Work::run_all(&mut self.works, &self.spans, runner);
    }
}

/// The buffer that a step writes output `output` of its body to, `outputs` being those that it writes.
pub(crate) fn written(step: &Step, outputs: &[usize], output: usize) -> Option<BufferIndex> {
    let place = outputs.iter().position(|&kept| kept == output)?;
    Some(step.writes[place].index())
}

/// A buffer for each output of a body: where it is wanted. One that nobody wants is written all the same.
pub(crate) fn homes(
    lowering: &mut Lowering<'_>,
    body: &Plan,
    step: &Step,
    outputs: &[usize],
) -> Vec<BufferIndex> {
    let mut home = |(output, ty): (usize, &Type)| {
        written(step, outputs, output).unwrap_or_else(|| lowering.temporary(ty.bytes()))
    };
    body.outputs.iter().enumerate().map(&mut home).collect()
}

/// Brings the state of a body home, where it lives while the body runs, unless it lies there already.
pub(crate) fn bring_home(
    lowering: &mut Lowering<'_>,
    state: &[Type],
    from: &[BufferId],
    homes: &[BufferIndex],
) {
    for ((ty, from), &home) in state.iter().zip(from).zip(homes) {
        let is_home = lowering.place(from.index()) == lowering.place(home);
        if ty.elements() > 0 && !is_home {
            let axes = [Axis { size: ty.elements(), from: 1, to: 1 }];
            let (from, to) = (Side::at(from.index(), 0), Side::at(home, 0));
            lowering.push(CopyTask::new(ty.dtype.bytes(), &axes, from, to));
        }
    }
}
