//! Lowering: from the steps of a plan to tasks, after a check that the plan keeps its own rules.

use cornu_ir::DType;
use cornu_ir::Tensor;
use cornu_ir::error::BackendError;
use cornu_ir::ops::Reduction;
use cornu_ir::plan::{
    ALIGNMENT, BufferId, DotKernel, Instruction, Kernel, Map, Place, Plan, Program, ReduceKernel, Scalar,
    Step, View,
};
use smallvec::SmallVec;

use crate::branch::lower_branch;
use crate::error::broken;
use crate::kernels::assemble::{Target, Wiring, assemble};
use crate::kernels::map::{Code, MapTask};
use crate::kernels::{BufferIndex, Task, matmul, reduce};
use crate::ops::lower_op;
use crate::repeat::lower_loop;
use crate::simd::Isa;
use crate::simd::table::Held;
use crate::work::Work;

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

/// Lowers every step, for a team of so many threads.
pub(crate) fn lower(plan: &Plan, isa: Isa, threads: usize) -> Result<Lowered, BackendError> {
    lower_steps(plan, isa, threads, false)
}

/// Lowers every step of a plan that one thread of a team runs by itself. The right operands of products are those that
/// [`matmul::pack_right`] has packed.
pub(crate) fn lower_lane(plan: &Plan, isa: Isa) -> Result<Lowered, BackendError> {
    lower_steps(plan, isa, 1, true)
}

fn lower_steps(plan: &Plan, isa: Isa, threads: usize, is_lane: bool) -> Result<Lowered, BackendError> {
    check_buffers(plan)?;
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
        check_step(self.plan, step)?;
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
        let code = self.code(&map.program, map.elements, step, true)?;
        self.push(MapTask::new(code, map.elements));
        Ok(())
    }

    fn reduce(&mut self, kernel: &ReduceKernel, step: &Step) -> Result<(), BackendError> {
        let head = self.code(&kernel.head, kernel.elements(), step, false)?;
        let tail = self.code(&kernel.tail, kernel.results(), step, true)?;
        let held = Held::of(kernel.dtype);
        let tasks =
            reduce::reduce(kernel.kind, held, &kernel.axes, head, tail, &mut |bytes| self.temporary(bytes));
        self.extend(tasks);
        Ok(())
    }

    pub(crate) fn dot(&mut self, kernel: &DotKernel, step: &Step) -> Result<(), BackendError> {
        let [left, right] = [0, 1].map(|read| step.reads.get(read).map(|id| id.index()));
        let (Some(left), Some(right)) = (left, right) else {
            return Err(broken("a dot without two operands"));
        };
        let tail = self.code(&kernel.tail, kernel.batch * kernel.m * kernel.n, step, true)?;
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
            let head = self.code(&head, kernel.batch * kernel.m * kernel.n * kernel.k, step, false)?;
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

    /// A program over `places` places as code for the buffers of a step, which it writes or (a head) does not.
    pub(crate) fn code(
        &self,
        program: &Program,
        places: usize,
        step: &Step,
        writes: bool,
    ) -> Result<Code, BackendError> {
        check_program(self.plan, program, places, step, writes)?;
        let meets = |a: &BufferId, b: &BufferId| share_memory(self.plan, *a, *b);
        let overwritten: Vec<bool> =
            step.reads.iter().map(|read| step.writes.iter().any(|write| meets(read, write))).collect();
        let targets = step.writes.iter().map(|write| Target {
            buffer: write.index(),
            reads: (0..step.reads.len()).filter(|&read| meets(&step.reads[read], write)).collect(),
        });
        let targets: Vec<Target> = if writes { targets.collect() } else { Vec::new() };
        let reads: Vec<BufferIndex> = step.reads.iter().map(|id| id.index()).collect();
        assemble(program, &Wiring { reads: &reads, overwritten: &overwritten, writes: &targets })
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

/// Checks that every buffer lies within the memory it names.
fn check_buffers(plan: &Plan) -> Result<(), BackendError> {
    let (inputs, outputs) = (plan.inputs.get(plan.state..), plan.outputs.get(plan.state..));
    let (Some(inputs), Some(outputs)) = (inputs, outputs) else {
        return Err(broken("more state than inputs"));
    };
    if plan.inputs[..plan.state] != plan.outputs[..plan.state] {
        return Err(broken("state that changes its type"));
    }
    for buffer in &plan.buffers {
        let bytes = buffer.ty.bytes();
        let room = match buffer.place {
            Place::State(index) => plan.inputs[..plan.state].get(index).map(|ty| ty.bytes()),
            Place::Input(index) => inputs.get(index).map(|ty| ty.bytes()),
            Place::Output(index) => outputs.get(index).map(|ty| ty.bytes()),
            Place::Constant(index) => plan.constants.get(index).map(|tensor| tensor.ty().bytes()),
            Place::Arena(offset) if offset % ALIGNMENT == 0 => plan.arena_bytes.checked_sub(offset),
            Place::Arena(_) => None,
        };
        if room.is_none_or(|room| room < bytes) {
            return Err(broken(format!("{} has no room at {:?}", buffer.ty, buffer.place)));
        }
    }
    Ok(())
}

/// True if two buffers have bytes in common.
fn share_memory(plan: &Plan, a: BufferId, b: BufferId) -> bool {
    let (a, b) = (&plan.buffers[a.index()], &plan.buffers[b.index()]);
    let some = a.ty.bytes() > 0 && b.ty.bytes() > 0;
    match (a.place, b.place) {
        (Place::Arena(x), Place::Arena(y)) => some && x < y + b.ty.bytes() && y < x + a.ty.bytes(),
        (x, y) => some && x == y,
    }
}

/// Checks that a step writes nothing that must stay, and what it reads only element by element.
fn check_step(plan: &Plan, step: &Step) -> Result<(), BackendError> {
    let known = |id: &BufferId| id.index() < plan.buffers.len();
    if !step.reads.iter().chain(&step.writes).all(known) {
        return Err(broken("a step with a buffer that is not listed"));
    }
    for (index, &write) in step.writes.iter().enumerate() {
        let target = &plan.buffers[write.index()];
        if matches!(target.place, Place::Input(_) | Place::Constant(_)) {
            return Err(broken(format!("a step that writes {:?}", target.place)));
        }
        if step.writes[..index].iter().any(|&other| share_memory(plan, write, other)) {
            return Err(broken("a step with two outputs in one place"));
        }
        for (read, &id) in step.reads.iter().enumerate().filter(|&(_, &id)| share_memory(plan, id, write)) {
            let source = &plan.buffers[id.index()];
            let same = source.place == target.place && source.ty.dtype.bytes() == target.ty.dtype.bytes();
            if !same || !step.kernel.may_overwrite(read, index) {
                return Err(broken(format!("a step that overwrites its input {read}")));
            }
        }
    }
    Ok(())
}

/// Checks that a program's registers are made before they are read, and its loads and stores fit their buffers.
fn check_program(
    plan: &Plan,
    program: &Program,
    places: usize,
    step: &Step,
    writes: bool,
) -> Result<(), BackendError> {
    for load in &program.loads {
        let buffer = step.reads.get(load.read).map(|id| &plan.buffers[id.index()]);
        let fits = |elements: usize| places == 0 || view_fits(&load.view, places, elements);
        if !buffer.is_some_and(|buffer| buffer.ty.dtype == load.dtype && fits(buffer.ty.elements())) {
            return Err(broken(format!("a load that does not fit its buffer: {load:?}")));
        }
    }
    let first = program.first_instruction();
    for (index, instruction) in program.instructions.iter().enumerate() {
        let in_order = instruction.args.iter().all(|&arg| arg < first + index);
        if !in_order || !is_well_typed(program, instruction, places) {
            return Err(broken(format!("an instruction without its arguments: {instruction:?}")));
        }
    }
    let stores = if writes { step.writes.len() } else { 1 };
    if program.stores.len() != stores
        || program.stores.iter().any(|&register| register >= program.registers())
    {
        return Err(broken("a program whose stores are not the step's outputs"));
    }
    if !writes {
        return Ok(());
    }
    for (&register, id) in program.stores.iter().zip(&step.writes) {
        let ty = &plan.buffers[id.index()].ty;
        if ty.dtype != program.dtype(register) || ty.elements() != places {
            return Err(broken(format!("a store of {} to {places} places of {ty}", program.dtype(register))));
        }
    }
    Ok(())
}

/// True if an instruction has as many arguments as it takes, of the types it takes.
fn is_well_typed(program: &Program, instruction: &Instruction, places: usize) -> bool {
    let args: SmallVec<[DType; 3]> = instruction.args.iter().map(|&arg| program.dtype(arg)).collect();
    let dtype = instruction.dtype;
    match instruction.op {
        Scalar::Constant(_) => args.is_empty(),
        Scalar::Iota { stride, size } => args.is_empty() && (places == 0 || stride * size > 0),
        Scalar::Unary(_) => args[..] == [dtype],
        Scalar::Binary(_) => args[..] == [dtype; 2],
        Scalar::Compare(_) => dtype == DType::Bool && args.len() == 2 && args[0] == args[1],
        Scalar::Select => args[..] == [DType::Bool, dtype, dtype],
        Scalar::Cast => args.len() == 1,
    }
}

/// True if a view has so many places, all within a buffer of so many elements.
fn view_fits(view: &View, places: usize, elements: usize) -> bool {
    let size = view.dims.iter().fold(1usize, |size, dim| size.saturating_mul(dim.size));
    let last = view.dims.iter().fold(view.offset, |last, dim| {
        last.saturating_add(dim.size.saturating_sub(1).saturating_mul(dim.stride))
    });
    size == places && last < elements
}
