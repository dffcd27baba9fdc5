//! Lowering: from the steps of a plan to tasks.

use cornu_ir::Tensor;
use cornu_ir::error::BackendError;
use cornu_ir::ops::Reduction;
use cornu_ir::plan::{ALIGNMENT, BufferId, DotKernel, Kernel, Map, Place, Plan, Program, ReduceKernel, Step};

use crate::branch::lower_branch;
use crate::error::broken;
use crate::kernels::assemble::assemble;
use crate::kernels::map::{Code, MapTask};
use crate::kernels::wiring::{Target, Wiring};
use crate::kernels::{BufferIndex, Task, matmul, reduce};
use crate::ops::lower_op;
use crate::repeat::lower_loop;
use crate::simd::Isa;
use crate::simd::table::Held;
use crate::work::Work;

/// So many bytes that a step reads may still be in a cache from the step before. Where all are, asking for them early
/// only takes time: training the perceptron of the benches would lose a twentieth.
const NEAR: usize = 8 << 20;

/// A plan as tasks, and the memory they need.
pub(crate) struct Lowered {
    pub(crate) works: Vec<Work>,
    /// How many works there are up to the end of each step.
    pub(crate) ends: Vec<usize>,
    /// Where each buffer lies, and its size: those of the plan, then those that tasks pass to each other.
    pub(crate) places: Vec<Place>,
    pub(crate) bytes: Vec<usize>,
    pub(crate) arena_bytes: usize,
    /// What [`Place::Constant`] names: the plan's, then those of bodies.
    pub(crate) constants: Vec<Tensor>,
}

impl Lowered {
    /// What each thread needs to work in.
    pub(crate) fn scratch_bytes(&self) -> usize {
        Work::most(&self.works, &|task| task.scratch_bytes())
    }
}

/// Lowers every step for a team of so many threads, if the plan keeps its own rules.
pub(crate) fn lower(plan: &Plan, isa: Isa, threads: usize) -> Result<Lowered, BackendError> {
    plan.check().map_err(broken)?;
    lower_checked(plan, isa, threads)
}

/// Lowers every step of a plan that keeps its rules.
pub(crate) fn lower_checked(plan: &Plan, isa: Isa, threads: usize) -> Result<Lowered, BackendError> {
    lower_steps(plan, isa, threads, false)
}

/// Lowers every step of a plan that one thread of a team runs by itself. The right operands of products are those that
/// [`matmul::pack_right`] has packed.
pub(crate) fn lower_lane(plan: &Plan, isa: Isa) -> Result<Lowered, BackendError> {
    lower_steps(plan, isa, 1, true)
}

fn lower_steps(plan: &Plan, isa: Isa, threads: usize, is_lane: bool) -> Result<Lowered, BackendError> {
    let mut lowering = Lowering {
        plan,
        isa,
        threads,
        is_lane,
        lowered: Lowered {
            works: Vec::new(),
            ends: Vec::with_capacity(plan.steps.len()),
            places: plan.buffers.iter().map(|buffer| buffer.place).collect(),
            bytes: plan.buffers.iter().map(|buffer| buffer.ty.bytes()).collect(),
            arena_bytes: plan.arena_bytes,
            constants: plan.constants.clone(),
        },
        used_after_plan: 0,
    };
    for step in &plan.steps {
        lowering.step(step)?;
        lowering.lowered.ends.push(lowering.lowered.works.len());
    }
    Ok(lowering.lowered)
}

/// Lowering in progress.
pub(crate) struct Lowering<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) isa: Isa,
    /// How many threads run it.
    pub(crate) threads: usize,
    is_lane: bool,
    lowered: Lowered,
    /// Bytes after the plan's arena that the current step uses between its tasks.
    used_after_plan: usize,
}

impl Lowering<'_> {
    fn step(&mut self, step: &Step) -> Result<(), BackendError> {
        self.used_after_plan = 0;
        match &step.kernel {
            Kernel::Map(map) => self.map(map, step),
            Kernel::Reduce(kernel) => self.reduce(kernel, step),
            Kernel::Dot(kernel) => self.dot(kernel, step),
            Kernel::Loop(kernel) => lower_loop(self, kernel, step),
            Kernel::Branch(kernel) => lower_branch(self, kernel, step),
            Kernel::Op(kernel) => lower_op(self, kernel, step),
        }
    }

    pub(crate) fn map(&mut self, map: &Map, step: &Step) -> Result<(), BackendError> {
        let code = self.code(&map.program, step, true)?;
        self.push(MapTask::new(code, map.elements));
        Ok(())
    }

    fn reduce(&mut self, kernel: &ReduceKernel, step: &Step) -> Result<(), BackendError> {
        let head = self.code(&kernel.head, step, false)?;
        let tail = self.code(&kernel.tail, step, true)?;
        let held = Held::of(kernel.dtype);
        let tasks =
            reduce::reduce(kernel.kind, held, &kernel.axes, head, tail, &mut |bytes| self.temporary(bytes));
        self.extend(tasks);
        Ok(())
    }

    pub(crate) fn dot(&mut self, kernel: &DotKernel, step: &Step) -> Result<(), BackendError> {
        let [left, right] = [0, 1].map(|read| step.reads[read].index());
        let tail = self.code(&kernel.tail, step, true)?;
        if kernel.batch * kernel.m * kernel.n == 0 {
            return Ok(());
        }
        if self.is_lane {
            let product = matmul::lane_product(kernel, self.isa, left, right, tail);
            self.push_boxed(product);
            return Ok(());
        }
        if matmul::is_reduction(kernel) {
            let (axes, head) = matmul::as_reduction(kernel);
            let head = self.code(&head, step, false)?;
            let (kind, held) = (Reduction::Sum, Held::of(kernel.dtype));
            let tasks = reduce::reduce(kind, held, &axes, head, tail, &mut |bytes| self.temporary(bytes));
            self.extend(tasks);
            return Ok(());
        }
        let isa = self.isa;
        let tasks = matmul::matmul(kernel, isa, left, right, tail, &mut |bytes| self.temporary(bytes));
        self.extend(tasks);
        Ok(())
    }

    /// A program as code for the buffers of a step, which it writes or (a head) does not.
    pub(crate) fn code(&self, program: &Program, step: &Step, writes: bool) -> Result<Code, BackendError> {
        let meets = |a: &BufferId, b: &BufferId| self.plan.share_memory(*a, *b);
        let overwritten: Vec<bool> =
            step.reads.iter().map(|read| step.writes.iter().any(|write| meets(read, write))).collect();
        let targets = step.writes.iter().map(|write| Target {
            buffer: write.index(),
            reads: (0..step.reads.len()).filter(|&read| meets(&step.reads[read], write)).collect(),
        });
        let targets: Vec<Target> = if writes { targets.collect() } else { Vec::new() };
        let reads: Vec<BufferIndex> = step.reads.iter().map(|id| id.index()).collect();
        let is_far = step.reads.iter().map(|&read| self.plan.ty(read).bytes()).sum::<usize>() > NEAR;
        assemble(program, &Wiring { reads: &reads, overwritten: &overwritten, writes: &targets, is_far })
    }

    /// Adds a task.
    pub(crate) fn push(&mut self, task: impl Task + 'static) {
        self.push_boxed(Box::new(task));
    }

    /// Adds a task.
    pub(crate) fn push_boxed(&mut self, task: Box<dyn Task>) {
        self.push_work(Work::Task(task));
    }

    /// Adds tasks.
    pub(crate) fn extend(&mut self, tasks: impl IntoIterator<Item = Box<dyn Task>>) {
        tasks.into_iter().for_each(|task| self.push_boxed(task));
    }

    /// Adds a task, a loop or a branch.
    pub(crate) fn push_work(&mut self, work: Work) {
        self.lowered.works.push(work);
    }

    /// Where a buffer lies.
    pub(crate) fn place(&self, buffer: BufferIndex) -> Place {
        self.lowered.places[buffer]
    }

    /// The size of a buffer.
    pub(crate) fn bytes(&self, buffer: BufferIndex) -> usize {
        self.lowered.bytes[buffer]
    }

    /// The buffer of a constant that is not the plan's own.
    pub(crate) fn constant(&mut self, constant: Tensor) -> BufferIndex {
        self.lowered.places.push(Place::Constant(self.lowered.constants.len()));
        self.lowered.bytes.push(constant.ty().bytes());
        self.lowered.constants.push(constant);
        self.lowered.places.len() - 1
    }

    /// A buffer that lasts from one task of a step to the next. It lies behind the plan's arena, where those of all
    /// steps share their place.
    pub(crate) fn temporary(&mut self, bytes: usize) -> BufferIndex {
        let offset = self.plan.arena_bytes.next_multiple_of(ALIGNMENT) + self.used_after_plan;
        self.used_after_plan += bytes.next_multiple_of(ALIGNMENT);
        self.lowered.arena_bytes = self.lowered.arena_bytes.max(offset + bytes);
        self.lowered.places.push(Place::Arena(offset));
        self.lowered.bytes.push(bytes);
        self.lowered.places.len() - 1
    }
}
