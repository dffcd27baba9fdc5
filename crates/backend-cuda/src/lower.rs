//! Lowering: from the steps of a plan to launches of kernels, and the source of those.

use cornu_ir::error::BackendError;
use cornu_ir::plan::{ALIGNMENT, BufferId, DotKernel, Kernel, Map, Place, Plan, Program, Step};
use cornu_ir::{Tensor, Type};

use crate::body::{lower_branch, lower_loop};
use crate::error::{broken, unsupported};
use crate::kernels::{Printed, map, matmul};
use crate::launch::{BufferIndex, Launch, Work};
use crate::ops::{lower_chain, lower_op, lower_reduce};
use crate::print::{Functor, Role, Wiring, functor, lanes};
use crate::source::Source;

/// A plan as launches, and the memory they need.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) works: Vec<Work>,
    /// How many works there are up to the end of each step.
    pub(crate) ends: Vec<usize>,
    /// Where each buffer lies: those of the plan, then those that kernels pass to each other.
    pub(crate) places: Vec<Place>,
    pub(crate) arena_bytes: usize,
    /// What [`Place::Constant`] names: the plan's, then those of bodies.
    pub(crate) constants: Vec<Tensor>,
}

/// Lowers every step for an architecture, as compilers name it, if the plan keeps its own rules.
pub(crate) fn lower(plan: &Plan, source: &mut Source, architecture: &str) -> Result<Lowered, BackendError> {
    plan.check().map_err(broken)?;
    lower_checked(plan, source, architecture, true)
}

/// Lowers every step of a plan that keeps its rules. `aligned` says that its buffers begin where memory is read
/// fastest.
pub(crate) fn lower_checked(
    plan: &Plan,
    source: &mut Source,
    architecture: &str,
    aligned: bool,
) -> Result<Lowered, BackendError> {
    check_sizes(plan)?;
    let lowered = Lowered {
        works: Vec::new(),
        ends: Vec::with_capacity(plan.steps.len()),
        places: plan.buffers.iter().map(|buffer| buffer.place).collect(),
        arena_bytes: plan.arena_bytes,
        constants: plan.constants.clone(),
    };
    let mut lowering = Lowering { plan, source, architecture, aligned, lowered, used_after_plan: 0 };
    let mut steps = plan.steps.as_slice();
    while let Some((first, rest)) = steps.split_first() {
        lowering.used_after_plan = 0;
        steps = match lower_chain(&mut lowering, steps) {
            Some(after) => after,
            None => {
                lowering.step(first)?;
                rest
            }
        };
        let lowered = &mut lowering.lowered;
        lowered.ends.resize(plan.steps.len() - steps.len(), lowered.works.len());
    }
    Ok(lowering.lowered)
}

/// Kernels count elements by 32 bits, and the strides of grids beside them: so a tensor has no more than half of that.
fn check_sizes(plan: &Plan) -> Result<(), BackendError> {
    let most = i32::MAX.cast_unsigned() as usize;
    let large = plan.buffers.iter().find(|buffer| buffer.ty.elements() > most);
    let what = |ty: &Type| format!("{ty}: a tensor has at most {most} elements here");
    large.map_or(Ok(()), |buffer| Err(unsupported(what(&buffer.ty))))
}

/// Lowering in progress.
pub(crate) struct Lowering<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) source: &'a mut Source,
    /// What is compiled for: "sm_90a".
    pub(crate) architecture: &'a str,
    /// True if all buffers begin at a multiple of 16 bytes.
    pub(crate) aligned: bool,
    lowered: Lowered,
    /// Bytes after the plan's arena that the current step uses between its kernels.
    used_after_plan: usize,
}

impl Lowering<'_> {
    fn step(&mut self, step: &Step) -> Result<(), BackendError> {
        match &step.kernel {
            Kernel::Map(map) => self.map(map, step),
            Kernel::Reduce(kernel) => {
                lower_reduce(self, kernel, step);
                Ok(())
            }
            Kernel::Dot(kernel) => self.dot(kernel, step),
            Kernel::Loop(kernel) => lower_loop(self, kernel, step),
            Kernel::Branch(kernel) => lower_branch(self, kernel, step),
            Kernel::Op(kernel) => lower_op(self, kernel, step),
        }
    }

    pub(crate) fn map(&mut self, map: &Map, step: &Step) -> Result<(), BackendError> {
        if map.elements > 0 {
            let program = self.functor(&map.program, Role::Program, step);
            self.push(map::map(&program, map.elements));
        }
        Ok(())
    }

    pub(crate) fn dot(&mut self, kernel: &DotKernel, step: &Step) -> Result<(), BackendError> {
        matmul::dot(self, kernel, step)
    }

    /// A program as text, for the buffers of a step, that takes as many neighbours at a time as its types admit.
    pub(crate) fn functor(&self, program: &Program, role: Role, step: &Step) -> Functor {
        self.functor_of(program, role, step, lanes(program, self.aligned))
    }

    /// The same for at most so many neighbours at a time.
    pub(crate) fn functor_within(&self, program: &Program, role: Role, step: &Step, most: usize) -> Functor {
        self.functor_of(program, role, step, lanes(program, self.aligned).min(most))
    }

    /// The same for so many neighbours at a time.
    pub(crate) fn functor_of(&self, program: &Program, role: Role, step: &Step, lanes: usize) -> Functor {
        let places = |ids: &[BufferId]| -> Vec<BufferIndex> { ids.iter().map(|id| id.index()).collect() };
        let (reads, writes) = (places(&step.reads), places(&step.writes));
        functor(program, role, &Wiring { reads: &reads, writes: &writes }, lanes)
    }

    /// Adds a kernel, and its launch.
    pub(crate) fn push(&mut self, printed: Printed) {
        let Printed { family, text, grid, threads, shared, params } = printed;
        let kernel = self.source.kernel(family, text);
        self.push_work(Work::Launch(Launch { kernel, grid, threads, shared, params }));
    }

    /// Adds a launch or a body.
    pub(crate) fn push_work(&mut self, work: Work) {
        self.lowered.works.push(work);
    }

    /// Where a buffer lies.
    pub(crate) fn place(&self, buffer: BufferIndex) -> Place {
        self.lowered.places[buffer]
    }

    /// The buffer of a constant that is not the plan's own.
    pub(crate) fn constant(&mut self, constant: Tensor) -> BufferIndex {
        self.lowered.places.push(Place::Constant(self.lowered.constants.len()));
        self.lowered.constants.push(constant);
        self.lowered.places.len() - 1
    }

    /// A buffer that lasts from one kernel of a step to the next. It lies behind the plan's arena, where those of all
    /// steps share their place.
    pub(crate) fn temporary(&mut self, bytes: usize) -> BufferIndex {
        let offset = self.plan.arena_bytes.next_multiple_of(ALIGNMENT) + self.used_after_plan;
        self.used_after_plan += bytes.next_multiple_of(ALIGNMENT);
        self.lowered.arena_bytes = self.lowered.arena_bytes.max(offset + bytes);
        self.lowered.places.push(Place::Arena(offset));
        self.lowered.places.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use cornu_ir::DType;
    use cornu_ir::plan::{Buffer, Place};

    use super::*;

    #[test]
    fn tensors_that_cannot_be_counted_are_refused() {
        let ty = Type::new(DType::U8, [1 << 31]);
        let plan = Plan {
            inputs: vec![ty.clone()],
            outputs: Vec::new(),
            state: 0,
            constants: Vec::new(),
            buffers: vec![Buffer { ty, place: Place::Input(0) }],
            steps: Vec::new(),
            arena_bytes: 0,
        };
        let error = lower(&plan, &mut Source::default(), "sm_80").expect_err("too large").to_string();
        assert_eq!(
            error,
            "cuda: no kernel for u8[2147483648]: a tensor has at most 2147483647 elements here"
        );
    }
}
