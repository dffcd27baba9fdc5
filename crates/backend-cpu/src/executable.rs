//! Execution: a lowered plan with its scratch memory, run step after step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cornu_ir::backend::{Buffer, Executable, expect_types};
use cornu_ir::error::BackendError;
use cornu_ir::plan::{Place, Plan};
use cornu_ir::types::Type;

use crate::NAME;
use crate::buffer::Memory;
use crate::cpu::{foreign, host_bytes};
use crate::kernels::{BufferIndex, Buffers, Site, Span, Task};
use crate::lower::Lowered;
use crate::simd::Isa;
use crate::team::{Lead, Team};
use crate::work::{Runner, Work};

/// A plan made ready to run.
pub(crate) struct Execution {
    team: Arc<Team>,
    isa: Isa,
    works: Vec<Work>,
    /// How many works there are up to the end of each step of the plan.
    ends: Vec<usize>,
    /// Types of state, inputs and outputs.
    state: Vec<Type>,
    inputs: Vec<Type>,
    outputs: Vec<Type>,
    /// Where each buffer lies, and the spans of this run; those of constants and arena never change.
    places: Vec<Place>,
    spans: Vec<Span>,
    /// Scratch memory of each thread.
    scratch: Vec<Span>,
    /// True if some task has work for several threads.
    is_parallel: bool,
    /// What spans point into.
    _memory: Vec<Memory>,
}

impl Execution {
    /// Takes all the memory that runs will need.
    pub(crate) fn new(
        plan: &Plan,
        lowered: Lowered,
        team: Arc<Team>,
        isa: Isa,
    ) -> Result<Execution, BackendError> {
        let scratch_bytes = lowered.scratch_bytes();
        let Lowered { works, ends, places, bytes, arena_bytes, constants } = lowered;
        let mut memory = vec![Memory::zeroed(arena_bytes)?];
        for constant in &constants {
            let mut copy = Memory::zeroed(constant.ty().bytes())?;
            copy.as_mut_slice().copy_from_slice(host_bytes(constant));
            memory.push(copy);
        }
        let first_scratch = memory.len();
        for _ in 0..team.threads() {
            memory.push(Memory::zeroed(scratch_bytes)?);
        }
        let spans = places.iter().zip(bytes).map(|(place, bytes)| {
            let pointer = match *place {
                Place::Arena(offset) => memory[0].as_mut_slice()[offset..].as_mut_ptr(),
                Place::Constant(index) => memory[1 + index].as_mut_slice().as_mut_ptr(),
                // Set anew by every run.
                Place::State(_) | Place::Input(_) | Place::Output(_) => std::ptr::null_mut(),
            };
            Span { pointer, bytes }
        });
        let spans = spans.collect();
        let scratch = memory[first_scratch..].iter_mut().map(|memory| {
            let bytes = memory.as_mut_slice();
            Span { pointer: bytes.as_mut_ptr(), bytes: bytes.len() }
        });
        Ok(Execution {
            scratch: scratch.collect(),
            is_parallel: team.threads() > 1 && Work::most(&works, &|task| task.pieces()) > 1,
            team,
            isa,
            works,
            ends,
            state: plan.inputs[..plan.state].to_vec(),
            inputs: plan.inputs[plan.state..].to_vec(),
            outputs: plan.outputs[plan.state..].to_vec(),
            places,
            spans,
            _memory: memory,
        })
    }

    /// Points the spans at this run's buffers, if they are what the plan says.
    fn bind(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<(), BackendError> {
        expect_types(NAME, "state", state.iter(), &self.state)?;
        expect_types(NAME, "input", inputs.iter().copied(), &self.inputs)?;
        expect_types(NAME, "output", outputs.iter(), &self.outputs)?;
        for (span, place) in self.spans.iter_mut().zip(&self.places) {
            let memory = match *place {
                Place::State(index) => writable(&mut state[index]),
                Place::Output(index) => writable(&mut outputs[index]),
                // Lowering has checked that nothing writes inputs.
                Place::Input(index) => {
                    inputs[index].memory::<Memory>().map(|memory| memory.as_slice().as_ptr().cast_mut())
                }
                Place::Constant(_) | Place::Arena(_) => continue,
            };
            span.pointer = memory.ok_or_else(|| foreign("every buffer of a run"))?;
        }
        Ok(())
    }

    /// Lets `order` run the works, in turn or in parts, after `bind` has pointed them at this run's buffers.
    fn run_works(&mut self, order: impl FnOnce(&mut [Work], &mut dyn FnMut(&mut [Work]))) {
        let Execution { team, isa, works, spans, scratch, is_parallel, .. } = self;
        let lead = if *is_parallel { team.lead() } else { Lead::alone() };
        let mut runner = Run { lead, isa: *isa, scratch };
        order(works, &mut |works| Work::run_all(works, spans, &mut runner));
    }
}

fn writable(buffer: &mut Buffer) -> Option<*mut u8> {
    buffer.memory_mut::<Memory>().map(|memory| memory.as_mut_slice().as_mut_ptr())
}

impl Executable for Execution {
    fn run(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<(), BackendError> {
        self.bind(state, inputs, outputs)?;
        self.run_works(|works, run| run(works));
        Ok(())
    }

    fn profile(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<Vec<Duration>, BackendError> {
        self.bind(state, inputs, outputs)?;
        let ends = std::mem::take(&mut self.ends);
        let mut times = Vec::with_capacity(ends.len());
        self.run_works(|works, run| {
            let (mut rest, mut done) = (works, 0);
            for &end in &ends {
                let (step, after) = rest.split_at_mut(end - done);
                let begun = Instant::now();
                run(step);
                times.push(begun.elapsed());
                (rest, done) = (after, end);
            }
        });
        self.ends = ends;
        Ok(times)
    }
}

/// One run under way.
struct Run<'a> {
    lead: Lead<'a>,
    isa: Isa,
    scratch: &'a [Span],
}

impl Run<'_> {
    fn buffers<'s>(&self, spans: &'s [Span]) -> Buffers<'s> {
        // SAFETY: `bind` took the pointers of state, inputs and outputs from borrows that last until the run is over;
        // the others are ours. All are memory of `Memory`, of the size that lowering asked for, or the slice of such
        // memory that a loop is at, cut at elements. One task runs at a time, and nothing else looks meanwhile.
        unsafe { Buffers::new(spans) }
    }
}

impl Runner for Run<'_> {
    fn run(&mut self, task: &dyn Task, spans: &[Span]) {
        let (buffers, isa, scratch) = (self.buffers(spans), self.isa, self.scratch);
        self.lead.each(task.pieces(), &|piece, thread| {
            let Span { pointer, bytes } = scratch[thread];
            // SAFETY: each thread has its own, and runs one piece at a time.
            let scratch = unsafe { std::slice::from_raw_parts_mut(pointer, bytes) };
            task.run(piece, &mut Site { isa, buffers, scratch });
        });
    }

    fn holds(&self, buffer: BufferIndex, spans: &[Span]) -> bool {
        self.buffers(spans).read::<u8>(buffer)[0] != 0
    }
}
