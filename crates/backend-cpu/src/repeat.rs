//! Loops: the tasks of a body, run once for each step on slices of the buffers around it.

use cornu_ir::error::BackendError;
use cornu_ir::plan::{LoopKernel, Place, Step};
use cornu_ir::types::Type;

use crate::error::broken;
use crate::kernels::copy::{Axis, CopyTask, Side};
use crate::kernels::{BufferIndex, Span, Task};
use crate::lower::{Lowered, Lowering, lower};

/// What runs in its turn.
pub(crate) enum Work {
    /// A kernel, or a phase of one.
    Task(Box<dyn Task>),
    /// Work done again and again.
    Loop(Loop),
}

/// The work of a body, done `length` times.
pub(crate) struct Loop {
    length: usize,
    reverse: bool,
    works: Vec<Work>,
    /// Where the buffers of the body lie during one step.
    spans: Vec<Span>,
    /// For each buffer of the body where it lies in those around it.
    bindings: Vec<Binding>,
}

/// Where a buffer of the body lies: this many bytes into a buffer around the loop, and so many further at each step.
#[derive(Clone, Copy)]
struct Binding {
    around: BufferIndex,
    offset: usize,
    stride: usize,
}

impl Work {
    /// The most that `measure` says of one of its tasks.
    pub(crate) fn most(works: &[Work], measure: &impl Fn(&dyn Task) -> usize) -> usize {
        let of = |work: &Work| match work {
            Work::Task(task) => measure(&**task),
            Work::Loop(repeated) => Work::most(&repeated.works, measure),
        };
        works.iter().map(of).max().unwrap_or(0)
    }

    /// Runs all tasks in their order, loops as often as they say. `run` gets a task and where the buffers lie.
    pub(crate) fn run_all(works: &mut [Work], spans: &[Span], run: &impl Fn(&dyn Task, &[Span])) {
        for work in works {
            match work {
                Work::Task(task) => run(&**task, spans),
                Work::Loop(repeated) => repeated.run(spans, run),
            }
        }
    }
}

impl Loop {
    fn run(&mut self, around: &[Span], run: &impl Fn(&dyn Task, &[Span])) {
        for turn in 0..self.length {
            let step = if self.reverse { self.length - 1 - turn } else { turn };
            for (span, binding) in self.spans.iter_mut().zip(&self.bindings) {
                span.pointer =
                    around[binding.around].pointer.wrapping_add(binding.offset + step * binding.stride);
            }
            Work::run_all(&mut self.works, &self.spans, run);
        }
    }
}

/// Lowers a loop: copies of the first carries to where they live, then the loop over the lowered body.
pub(crate) fn lower_loop(
    lowering: &mut Lowering<'_>,
    kernel: &LoopKernel,
    step: &Step,
) -> Result<(), BackendError> {
    check_loop(lowering, kernel, step)?;
    let body = &kernel.body;
    let Lowered { works, places, bytes, arena_bytes, constants, .. } = lower(body, lowering.isa)?;
    let written = |output: usize| {
        let place = kernel.outputs.iter().position(|&kept| kept == output)?;
        Some(step.writes[place].index())
    };
    // A carry lives where its last value is wanted; a result that nobody wants is written all the same.
    let mut home =
        |output: usize| written(output).unwrap_or_else(|| lowering.temporary(body.outputs[output].bytes()));
    let homes: Vec<BufferIndex> = (0..body.outputs.len()).map(&mut home).collect();
    for (carry, &home) in homes[..body.state].iter().enumerate() {
        let ty = &body.inputs[carry];
        if ty.elements() > 0 {
            let axes = [Axis { size: ty.elements(), from: 1, to: 1 }];
            let first = Side::at(step.reads[carry].index(), 0);
            lowering.push(CopyTask::new(ty.dtype.bytes(), &axes, first, Side::at(home, 0)));
        }
    }
    let arena = lowering.temporary(arena_bytes);
    let constants: Vec<BufferIndex> =
        constants.into_iter().map(|constant| lowering.constant(constant)).collect();
    let slice = |output: usize| {
        let is_wanted = written(body.state + output).is_some();
        if is_wanted { body.outputs[body.state + output].bytes() } else { 0 }
    };
    let fixed = |around: BufferIndex, offset: usize| Binding { around, offset, stride: 0 };
    let bind = |place: &Place| match *place {
        Place::State(carry) => fixed(homes[carry], 0),
        Place::Output(output) => {
            Binding { around: homes[body.state + output], offset: 0, stride: slice(output) }
        }
        Place::Input(input) => {
            let around = step.reads[body.state + input].index();
            let stride = if input < kernel.sequences { body.inputs[body.state + input].bytes() } else { 0 };
            Binding { around, offset: 0, stride }
        }
        Place::Constant(index) => fixed(constants[index], 0),
        Place::Arena(offset) => fixed(arena, offset),
    };
    let bindings: Vec<Binding> = places.iter().map(bind).collect();
    let spans = bytes.into_iter().map(|bytes| Span { pointer: std::ptr::null_mut(), bytes }).collect();
    let (length, reverse) = (kernel.length, kernel.reverse);
    lowering.push_work(Work::Loop(Loop { length, reverse, works, spans, bindings }));
    Ok(())
}

/// Checks that the buffers of the step are what the body needs for all steps.
fn check_loop(lowering: &Lowering<'_>, kernel: &LoopKernel, step: &Step) -> Result<(), BackendError> {
    let LoopKernel { body, length, sequences, outputs, .. } = kernel;
    let stacked = |ty: &Type| cornu_ir::ops::stacked_type(ty, *length);
    let is_sequence = |index: usize| index >= body.state && index < body.state + sequences;
    let read = |index: usize| {
        let ty = &body.inputs[index];
        if is_sequence(index) { stacked(ty) } else { ty.clone() }
    };
    let buffers = &lowering.plan.buffers;
    let reads = step.reads.iter().map(|id| &buffers[id.index()].ty);
    let reads_fit = body.state + sequences <= body.inputs.len()
        && step.reads.len() == body.inputs.len()
        && reads.enumerate().all(|(index, ty)| *ty == read(index));
    let written = |output: usize| {
        let ty = body.outputs.get(output)?;
        Some(if output < body.state { ty.clone() } else { stacked(ty) })
    };
    let writes = step.writes.iter().map(|id| &buffers[id.index()].ty);
    let mut distinct = outputs.to_vec();
    distinct.sort_unstable();
    let writes_fit = step.writes.len() == outputs.len()
        && distinct.is_sorted_by(|a, b| a < b)
        && outputs.iter().zip(writes).all(|(&output, ty)| written(output).as_ref() == Some(ty));
    if reads_fit && writes_fit {
        Ok(())
    } else {
        Err(broken("a loop whose buffers are not what its body takes"))
    }
}
