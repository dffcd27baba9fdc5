//! A backend that runs plans the slow and obvious way. It is to plans what [`crate::interpret`] is to programs: it
//! says what a plan means, shows writers of backends what there is to do, and finds the planner's mistakes.

use crate::backend::{Backend, Buffer, Executable, expect_type, expect_types};
use crate::error::BackendError;
use crate::op::{Op, Rules};
use crate::ops::{Cast, Dot, Reduce, Select};
use crate::plan::{
    BranchKernel, BufferId, DotKernel, Instruction, Kernel, LoopKernel, OpKernel, Place, Plan, Program,
    ReduceKernel, Scalar, Step,
};
use crate::tensor::{Data, Tensor};
use crate::types::{DType, Shape, Type};
use crate::{bf16, f16};

const NAME: &str = "reference";
/// Memory that nothing has been written to holds these, so that a plan that reads it gives itself away.
const UNWRITTEN: u8 = 0xA5;

/// The backend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Backend for Reference {
    fn name(&self) -> &'static str {
        NAME
    }

    fn compile(&self, plan: &Plan) -> Result<Box<dyn Executable>, BackendError> {
        Ok(Box::new(Interpreter { plan: plan.clone() }))
    }

    fn allocate(&self, ty: &Type) -> Result<Buffer, BackendError> {
        Ok(Buffer::new(ty.clone(), vec![0u8; ty.bytes()]))
    }

    fn write(&self, buffer: &mut Buffer, host: &Tensor) -> Result<(), BackendError> {
        expect_type(NAME, "the buffer", buffer.ty(), &host.ty())?;
        *memory_mut(buffer)? = bytes(host);
        Ok(())
    }

    fn read(&self, buffer: &Buffer, host: &mut Tensor) -> Result<(), BackendError> {
        expect_type(NAME, "the tensor", &host.ty(), buffer.ty())?;
        *host = tensor(buffer.ty(), memory(buffer)?);
        Ok(())
    }
}

struct Interpreter {
    plan: Plan,
}

impl Executable for Interpreter {
    fn run(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<(), BackendError> {
        let (state_types, input_types) = self.plan.inputs.split_at(self.plan.state);
        expect_types(NAME, "state", state.iter(), state_types)?;
        expect_types(NAME, "input", inputs.iter().copied(), input_types)?;
        expect_types(NAME, "output", outputs.iter(), &self.plan.outputs[self.plan.state..])?;
        let state_bytes = state.iter().map(|buffer| memory(buffer).cloned()).collect::<Result<_, _>>()?;
        let input_bytes = inputs.iter().map(|buffer| memory(buffer).cloned()).collect::<Result<_, _>>()?;
        let memory = run_plan(&self.plan, state_bytes, input_bytes);
        for (buffer, bytes) in
            state.iter_mut().zip(memory.state).chain(outputs.iter_mut().zip(memory.outputs))
        {
            *memory_mut(buffer)? = bytes;
        }
        Ok(())
    }
}

/// Runs a plan once. Answers what all its places hold at the end.
fn run_plan(plan: &Plan, state: Vec<Vec<u8>>, inputs: Vec<Vec<u8>>) -> Memory {
    let mut memory = Memory {
        state,
        inputs,
        outputs: plan.outputs[plan.state..].iter().map(|ty| vec![UNWRITTEN; ty.bytes()]).collect(),
        constants: plan.constants.iter().map(bytes).collect(),
        arena: vec![UNWRITTEN; plan.arena_bytes],
    };
    for step in &plan.steps {
        Run { plan, step, memory: &mut memory }.step();
    }
    memory
}

/// All that a plan's places name, as bytes.
struct Memory {
    state: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    outputs: Vec<Vec<u8>>,
    constants: Vec<Vec<u8>>,
    arena: Vec<u8>,
}

impl Memory {
    /// The bytes from the beginning of a place on.
    fn at(&mut self, place: Place) -> &mut [u8] {
        match place {
            Place::State(index) => &mut self.state[index],
            Place::Input(index) => &mut self.inputs[index],
            Place::Output(index) => &mut self.outputs[index],
            Place::Constant(index) => &mut self.constants[index],
            Place::Arena(offset) => &mut self.arena[offset..],
        }
    }
}

/// One step under way.
struct Run<'a> {
    plan: &'a Plan,
    step: &'a Step,
    memory: &'a mut Memory,
}

impl Run<'_> {
    fn step(&mut self) {
        self.check_places();
        match &self.step.kernel {
            Kernel::Map(map) => self.program(&map.program, map.elements, None),
            Kernel::Reduce(reduce) => {
                let reduced = self.reduce(reduce);
                self.program(&reduce.tail, reduce.results(), Some(&reduced));
            }
            Kernel::Dot(dot) => {
                let product = self.dot(dot);
                self.program(&dot.tail, dot.batch * dot.m * dot.n, Some(&product));
            }
            Kernel::Loop(kernel) => self.run_loop(kernel),
            Kernel::Branch(kernel) => self.run_branch(kernel),
            Kernel::Op(kernel) => {
                let value = self.op(kernel);
                self.program(&kernel.tail, kernel.result.elements(), Some(&value));
            }
        }
    }

    /// Refuses a step that could overwrite what it has still to read.
    fn check_places(&self) {
        let (reads, writes) = (&self.step.reads, &self.step.writes);
        for (index, &write) in writes.iter().enumerate() {
            for (read, &id) in reads.iter().enumerate() {
                let apart = !self.overlap(id, write);
                assert!(
                    apart || self.step.kernel.may_overwrite(read, index),
                    "a step writes over its read {read}: {}",
                    self.plan
                );
            }
            let apart = writes[..index].iter().all(|&other| !self.overlap(other, write));
            assert!(apart, "a step writes two results to one place: {}", self.plan);
        }
    }

    /// True if two buffers have bytes in common.
    fn overlap(&self, a: BufferId, b: BufferId) -> bool {
        let [a, b] = [a, b].map(|id| &self.plan.buffers[id.index()]);
        match (a.place, b.place) {
            _ if a.ty.bytes() == 0 || b.ty.bytes() == 0 => false,
            (Place::Arena(from), Place::Arena(other)) => {
                from < other + b.ty.bytes() && other < from + a.ty.bytes()
            }
            (from, other) => from == other,
        }
    }

    /// Runs a program at every place, one place after another: so a store that a later place should not have seen
    /// shows.
    fn program(&mut self, program: &Program, elements: usize, root: Option<&Tensor>) {
        let root: Option<Vec<u64>> = root.map(|root| root.bits().collect());
        for i in 0..elements {
            let stored = self.at_place(program, i, root.as_ref().map(|root| root[i]));
            for (&id, bits) in self.step.writes.iter().zip(stored) {
                self.store(id, i, bits);
            }
        }
    }

    /// What a program stores at one place.
    fn at_place(&mut self, program: &Program, i: usize, root: Option<u64>) -> Vec<u64> {
        let mut registers: Vec<u64> = root.into_iter().collect();
        for load in &program.loads {
            let id = self.step.reads[load.read];
            debug_assert_eq!(self.plan.buffers[id.index()].ty.dtype, load.dtype);
            registers.push(self.load(id, load.view.at(i)));
        }
        for instruction in &program.instructions {
            let args: Vec<Tensor> = instruction
                .args
                .iter()
                .map(|&register| from_bits(&Type::scalar(program.dtype(register)), [registers[register]]))
                .collect();
            registers.push(computed(instruction, &args, i));
        }
        program.stores.iter().map(|&register| registers[register]).collect()
    }

    /// Runs the body with memory of its own for each turn.
    fn run_loop(&mut self, kernel: &LoopKernel) {
        let LoopKernel { body, length, reverse, sequences, outputs } = kernel;
        let given: Vec<Vec<u8>> = self.step.reads.iter().map(|&id| bytes(&self.whole(id))).collect();
        let mut state = given[..body.state].to_vec();
        let turns: Vec<usize> = if *reverse { (0..*length).rev().collect() } else { (0..*length).collect() };
        for turn in turns {
            let slice = |(index, ty): (usize, &Type)| {
                let whole = &given[body.state + index];
                let bytes = ty.bytes();
                if index < *sequences { whole[turn * bytes..][..bytes].to_vec() } else { whole.clone() }
            };
            let inputs = body.inputs[body.state..].iter().enumerate().map(slice).collect();
            let memory = run_plan(body, state, inputs);
            for (&id, &output) in self.step.writes.iter().zip(outputs) {
                if let Some(stacked) = output.checked_sub(body.state) {
                    let slice = &memory.outputs[stacked];
                    let place = self.plan.buffers[id.index()].place;
                    self.memory.at(place)[turn * slice.len()..][..slice.len()].copy_from_slice(slice);
                }
            }
            state = memory.state;
        }
        for (&id, &output) in self.step.writes.iter().zip(outputs) {
            if output < body.state {
                let place = self.plan.buffers[id.index()].place;
                self.memory.at(place)[..state[output].len()].copy_from_slice(&state[output]);
            }
        }
    }

    /// Runs the branch that the first read says.
    fn run_branch(&mut self, kernel: &BranchKernel) {
        let holds = self.load(self.step.reads[0], 0) != 0;
        let branch = if holds { &kernel.then } else { &kernel.otherwise };
        let mut state: Vec<Vec<u8>> = self.step.reads[1..].iter().map(|&id| bytes(&self.whole(id))).collect();
        let inputs = state.split_off(branch.state);
        let memory = run_plan(branch, state, inputs);
        let results = [memory.state, memory.outputs].concat();
        for (&id, &output) in self.step.writes.iter().zip(&kernel.outputs) {
            let place = self.plan.buffers[id.index()].place;
            let result = &results[output];
            self.memory.at(place)[..result.len()].copy_from_slice(result);
        }
    }

    fn reduce(&mut self, reduce: &ReduceKernel) -> Tensor {
        let shape: Shape = reduce.axes.iter().map(|axis| axis.size).collect();
        let axes: Shape = (0..reduce.axes.len()).filter(|&axis| reduce.axes[axis].reduced).collect();
        let head: Vec<u64> =
            (0..reduce.elements()).flat_map(|i| self.at_place(&reduce.head, i, None)).collect();
        let head = from_bits(&Type::new(reduce.dtype, shape.clone()), head);
        let op = Reduce { kind: reduce.kind, axes: axes.clone() };
        op.eval(&[&head], &Type::new(reduce.dtype, shape.without(&axes)))
    }

    fn dot(&mut self, dot: &DotKernel) -> Tensor {
        let &DotKernel { batch, m, n, k, .. } = dot;
        let (lhs, lhs_contract) = if dot.lhs_transposed { ([batch, k, m], 1) } else { ([batch, m, k], 2) };
        let (rhs, rhs_contract) = if dot.rhs_transposed { ([batch, n, k], 2) } else { ([batch, k, n], 1) };
        let [lhs, rhs] = [(0, lhs), (1, rhs)].map(|(read, shape)| {
            let operand = self.whole(self.step.reads[read]);
            operand.reshaped(shape).expect("an operand has the elements of its product")
        });
        let op = Dot::contracting([lhs_contract], [rhs_contract]).batched([0], [0]);
        op.eval(&[&lhs, &rhs], &Type::new(dot.dtype, [batch, m, n]))
    }

    fn op(&mut self, kernel: &OpKernel) -> Tensor {
        let operands = &self.step.reads[..kernel.operands];
        let args: Vec<Tensor> = operands.iter().map(|&id| self.whole(id)).collect();
        kernel.op.rules().eval(&args.iter().collect::<Vec<_>>(), &kernel.result)
    }

    /// The bits of one element of a buffer, widened.
    fn load(&mut self, id: BufferId, i: usize) -> u64 {
        let buffer = &self.plan.buffers[id.index()];
        assert!(i < buffer.ty.elements(), "element {i} of {} was read", buffer.ty);
        let size = buffer.ty.dtype.bytes();
        widened(&self.memory.at(buffer.place)[i * size..(i + 1) * size])
    }

    fn store(&mut self, id: BufferId, i: usize, bits: u64) {
        let buffer = &self.plan.buffers[id.index()];
        assert!(i < buffer.ty.elements(), "element {i} of {} was written", buffer.ty);
        let size = buffer.ty.dtype.bytes();
        self.memory.at(buffer.place)[i * size..(i + 1) * size].copy_from_slice(&bits.to_le_bytes()[..size]);
    }

    fn whole(&mut self, id: BufferId) -> Tensor {
        let ty = &self.plan.buffers[id.index()].ty;
        from_bits(ty, (0..ty.elements()).map(|i| self.load(id, i)))
    }
}

/// The bits of an instruction's result at place `i`: what its op gives for numbers.
fn computed(instruction: &Instruction, args: &[Tensor], i: usize) -> u64 {
    let ty = Type::scalar(instruction.dtype);
    let op: Op = match instruction.op {
        Scalar::Constant(bits) => return bits,
        Scalar::Iota { stride, size } => {
            let coordinate = Tensor::from_integers(&ty, [(i / stride % size) as i64]);
            return first_bits(&coordinate);
        }
        Scalar::Unary(op) => op.into(),
        Scalar::Binary(op) => op.into(),
        Scalar::Compare(op) => op.into(),
        Scalar::Select => Select.into(),
        Scalar::Cast => Cast { dtype: instruction.dtype }.into(),
    };
    first_bits(&op.rules().eval(&args.iter().collect::<Vec<_>>(), &ty))
}

fn first_bits(tensor: &Tensor) -> u64 {
    tensor.bits().next().expect("a scalar has an element")
}

fn widened(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
}

fn bytes(tensor: &Tensor) -> Vec<u8> {
    tensor.bits().flat_map(|bits| bits.to_le_bytes().into_iter().take(tensor.dtype().bytes())).collect()
}

fn tensor(ty: &Type, bytes: &[u8]) -> Tensor {
    from_bits(ty, bytes.chunks(ty.dtype.bytes()).map(widened))
}

/// Elements by their bits, of which the lowest count.
fn from_bits(ty: &Type, bits: impl IntoIterator<Item = u64>) -> Tensor {
    let bits = bits.into_iter();
    let data = match ty.dtype {
        DType::F32 => Data::F32(bits.map(|x| f32::from_bits(x as u32)).collect()),
        DType::F64 => Data::F64(bits.map(f64::from_bits).collect()),
        DType::BF16 => Data::BF16(bits.map(|x| bf16::from_bits(x as u16)).collect()),
        DType::F16 => Data::F16(bits.map(|x| f16::from_bits(x as u16)).collect()),
        DType::I32 => Data::I32(bits.map(|x| x as i32).collect()),
        DType::I64 => Data::I64(bits.map(|x| x as i64).collect()),
        DType::U8 => Data::U8(bits.map(|x| x as u8).collect()),
        DType::U32 => Data::U32(bits.map(|x| x as u32).collect()),
        DType::Bool => Data::Bool(bits.map(|x| x as u8 != 0).collect()),
    };
    Tensor::from_data(ty.shape.clone(), data).expect("as many elements as the type has")
}

fn memory(buffer: &Buffer) -> Result<&Vec<u8>, BackendError> {
    buffer.memory().ok_or_else(|| foreign(buffer.ty()))
}

fn memory_mut(buffer: &mut Buffer) -> Result<&mut Vec<u8>, BackendError> {
    let error = foreign(buffer.ty());
    buffer.memory_mut().ok_or(error)
}

fn foreign(ty: &Type) -> BackendError {
    let need = "memory of this backend".to_string();
    BackendError::Buffer {
        backend: NAME,
        what: "a buffer".to_string(),
        need,
        got: format!("{ty} of another"),
    }
}
