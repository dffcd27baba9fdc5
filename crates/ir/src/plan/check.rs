//! The rules that every plan keeps, checked before a backend believes one.
//!
//! The planner breaks none of them; a plan that something else made is refused with a reason, never run. After
//! [`Plan::check`] a backend may index buffers, registers and operands as they are written.

use smallvec::SmallVec;

use super::{
    ALIGNMENT, BranchKernel, BufferId, Kernel, LoopKernel, OpKernel, Place, Plan, Program, Scalar, Step, View,
};
use crate::op::Op;
use crate::ops::stacked_type;
use crate::types::{DType, Type};

/// Which rule is broken.
type Checked = Result<(), String>;

impl Plan {
    /// Checks that every buffer lies within the memory it names, that no step writes what must stay, and that every
    /// kernel's buffers have the types it takes and gives; of plans inside loops and branches, too.
    ///
    /// # Errors
    /// The first rule that is broken, as half a sentence: "a step with two outputs in one place".
    pub fn check(&self) -> Checked {
        check_buffers(self)?;
        self.steps.iter().try_for_each(|step| check_step(self, step))
    }

    /// True if two buffers have bytes in common.
    pub fn share_memory(&self, a: BufferId, b: BufferId) -> bool {
        let (a, b) = (&self.buffers[a.index()], &self.buffers[b.index()]);
        let some = a.ty.bytes() > 0 && b.ty.bytes() > 0;
        match (a.place, b.place) {
            (Place::Arena(x), Place::Arena(y)) => some && x < y + b.ty.bytes() && y < x + a.ty.bytes(),
            (x, y) => some && x == y,
        }
    }

    /// The type of a buffer.
    pub fn ty(&self, buffer: BufferId) -> &Type {
        &self.buffers[buffer.index()].ty
    }
}

fn check_buffers(plan: &Plan) -> Checked {
    let (inputs, outputs) = (plan.inputs.get(plan.state..), plan.outputs.get(plan.state..));
    let (Some(inputs), Some(outputs)) = (inputs, outputs) else {
        return Err("more state than inputs".into());
    };
    if plan.inputs[..plan.state] != plan.outputs[..plan.state] {
        return Err("state that changes its type".into());
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
            return Err(format!("{} has no room at {:?}", buffer.ty, buffer.place));
        }
    }
    Ok(())
}

/// Checks that a step writes nothing that must stay, what it reads only element by element, and what its kernel says.
fn check_step(plan: &Plan, step: &Step) -> Checked {
    let known = |id: &BufferId| id.index() < plan.buffers.len();
    if !step.reads.iter().chain(&step.writes).all(known) {
        return Err("a step with a buffer that is not listed".into());
    }
    for (index, &write) in step.writes.iter().enumerate() {
        let target = &plan.buffers[write.index()];
        if matches!(target.place, Place::Input(_) | Place::Constant(_)) {
            return Err(format!("a step that writes {:?}", target.place));
        }
        if step.writes[..index].iter().any(|&other| plan.share_memory(write, other)) {
            return Err("a step with two outputs in one place".into());
        }
        for (read, &id) in step.reads.iter().enumerate().filter(|&(_, &id)| plan.share_memory(id, write)) {
            let source = &plan.buffers[id.index()];
            let same = source.place == target.place && source.ty.dtype.bytes() == target.ty.dtype.bytes();
            if !same || !step.kernel.may_overwrite(read, index) {
                return Err(format!("a step that overwrites its input {read}"));
            }
        }
    }
    check_kernel(plan, step)
}

fn check_kernel(plan: &Plan, step: &Step) -> Checked {
    match &step.kernel {
        Kernel::Map(map) => check_program(plan, &map.program, map.elements, step, Stores::Outputs),
        Kernel::Reduce(kernel) => {
            check_program(plan, &kernel.head, kernel.elements(), step, Stores::One)?;
            check_root(&kernel.tail, kernel.dtype)?;
            check_program(plan, &kernel.tail, kernel.results(), step, Stores::Outputs)
        }
        Kernel::Dot(kernel) => {
            let operands = step.reads.get(..2).ok_or("a dot without two operands")?;
            let sizes = [kernel.m, kernel.n].map(|rows| kernel.batch * rows * kernel.k);
            let fits = |(&id, elements): (&BufferId, usize)| {
                plan.ty(id).dtype == kernel.dtype && plan.ty(id).elements() == elements
            };
            if !operands.iter().zip(sizes).all(fits) {
                return Err("a dot whose operands are not what it multiplies".into());
            }
            check_root(&kernel.tail, kernel.dtype)?;
            let results = kernel.batch * kernel.m * kernel.n;
            check_program(plan, &kernel.tail, results, step, Stores::Outputs)
        }
        Kernel::Loop(kernel) => check_loop(plan, kernel, step),
        Kernel::Branch(kernel) => check_branch(plan, kernel, step),
        Kernel::Op(kernel) => check_op(plan, kernel, step),
    }
}

/// What the stores of a program are.
#[derive(Clone, Copy, PartialEq)]
enum Stores {
    /// The outputs of the step.
    Outputs,
    /// The one number that is reduced.
    One,
}

/// Checks that a program's registers are made before they are read, and its loads and stores fit their buffers.
fn check_program(plan: &Plan, program: &Program, places: usize, step: &Step, stores: Stores) -> Checked {
    for load in &program.loads {
        let buffer = step.reads.get(load.read).map(|&id| plan.ty(id));
        let fits = |elements: usize| places == 0 || view_fits(&load.view, places, elements);
        if !buffer.is_some_and(|ty| ty.dtype == load.dtype && fits(ty.elements())) {
            return Err(format!("a load that does not fit its buffer: {load:?}"));
        }
    }
    let first = program.first_instruction();
    for (index, instruction) in program.instructions.iter().enumerate() {
        let args: SmallVec<[usize; 3]> = instruction.args.clone();
        let in_order = args.iter().all(|&arg| arg < first + index);
        if !in_order || !is_well_typed(program, &instruction.op, &args, instruction.dtype, places) {
            return Err(format!("an instruction without its arguments: {instruction:?}"));
        }
    }
    let count = if stores == Stores::Outputs { step.writes.len() } else { 1 };
    let is_made = |&register: &usize| register < program.registers();
    if program.stores.len() != count || !program.stores.iter().all(is_made) {
        return Err("a program whose stores are not the step's outputs".into());
    }
    if stores == Stores::One {
        return Ok(());
    }
    for (&register, &id) in program.stores.iter().zip(&step.writes) {
        let ty = plan.ty(id);
        if ty.dtype != program.dtype(register) || ty.elements() != places {
            return Err(format!("a store of {} to {places} places of {ty}", program.dtype(register)));
        }
    }
    Ok(())
}

/// Checks that a tail goes on from what its kernel gives.
fn check_root(tail: &Program, dtype: DType) -> Checked {
    if tail.root == Some(dtype) { Ok(()) } else { Err(format!("a tail that does not take {dtype}")) }
}

/// True if an instruction has as many arguments as it takes, of the types it takes.
fn is_well_typed(program: &Program, op: &Scalar, args: &[usize], dtype: DType, places: usize) -> bool {
    let args: SmallVec<[DType; 3]> = args.iter().map(|&arg| program.dtype(arg)).collect();
    match *op {
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

/// Checks that an op's buffers have the types that it takes and gives, and that a tail follows only ops that take one.
fn check_op(plan: &Plan, kernel: &OpKernel, step: &Step) -> Checked {
    let OpKernel { op, operands, result, tail } = kernel;
    let name = op.rules().name();
    let args = step.reads.get(..*operands).ok_or_else(|| format!("`{name}` without arguments"))?;
    let args: SmallVec<[&Type; 3]> = args.iter().map(|&id| plan.ty(id)).collect();
    match op.rules().infer(&args) {
        Ok(inferred) if inferred == *result => {}
        Ok(inferred) => return Err(format!("`{name}` gives {inferred}, not {result}")),
        Err(error) => return Err(error.to_string()),
    }
    if matches!(op, Op::Input(_) | Op::Dot(_) | Op::Reduce(_) | Op::Scan(_) | Op::Conditional(_)) {
        return Err(format!("`{name}` outside a kernel of its own kind"));
    }
    check_root(tail, result.dtype)?;
    if op.takes_tail() {
        return check_program(plan, tail, result.elements(), step, Stores::Outputs);
    }
    match step.writes.as_slice() {
        [only] if tail.is_identity() && plan.ty(*only) == result => Ok(()),
        _ => Err(format!("`{name}` with a tail, or another result than {result}")),
    }
}

/// Checks a loop's body, and that the buffers of the step are what it needs for all turns.
fn check_loop(plan: &Plan, kernel: &LoopKernel, step: &Step) -> Checked {
    let LoopKernel { body, length, sequences, outputs, .. } = kernel;
    body.check()?;
    let sequence = body.state..body.state + sequences;
    let read = |(index, ty): (usize, &Type)| {
        if sequence.contains(&index) { stacked_type(ty, *length) } else { ty.clone() }
    };
    let reads: Vec<Type> = body.inputs.iter().enumerate().map(read).collect();
    let written = |output: usize| {
        let ty = body.outputs.get(output)?;
        Some(if output < body.state { ty.clone() } else { stacked_type(ty, *length) })
    };
    let fits = sequence.end <= body.inputs.len()
        && reads_fit(plan, step, &reads)
        && writes_fit(plan, step, outputs, written);
    if fits { Ok(()) } else { Err("a loop whose buffers are not what its body takes".into()) }
}

/// Checks both plans of a branch, that they take and give the same, and that the buffers of the step are that.
fn check_branch(plan: &Plan, kernel: &BranchKernel, step: &Step) -> Checked {
    let BranchKernel { then, otherwise, outputs } = kernel;
    then.check()?;
    otherwise.check()?;
    let signature = |plan: &Plan| (plan.state, plan.inputs.clone(), plan.outputs.clone());
    let predicate = std::iter::once(Type::scalar(DType::Bool));
    let reads: Vec<Type> = predicate.chain(then.inputs.iter().cloned()).collect();
    let fits = signature(then) == signature(otherwise)
        && reads_fit(plan, step, &reads)
        && writes_fit(plan, step, outputs, |output| then.outputs.get(output).cloned());
    if fits { Ok(()) } else { Err("a branch whose buffers are not what its plans take".into()) }
}

/// True if a step reads buffers of these types.
fn reads_fit(plan: &Plan, step: &Step, types: &[Type]) -> bool {
    types.iter().eq(step.reads.iter().map(|&id| plan.ty(id)))
}

/// True if `outputs` are different outputs of a body, and what the step writes are buffers of these types.
fn writes_fit(plan: &Plan, step: &Step, outputs: &[usize], ty: impl Fn(usize) -> Option<Type>) -> bool {
    let mut distinct = outputs.to_vec();
    distinct.sort_unstable();
    let fits = |(&output, &id): (&usize, &BufferId)| ty(output).as_ref() == Some(plan.ty(id));
    step.writes.len() == outputs.len()
        && distinct.is_sorted_by(|a, b| a < b)
        && outputs.iter().zip(&step.writes).all(fits)
}
