//! Plan: a program as a backend receives it: kernels in order, every buffer placed.
//!
//! Shapes are gone. A kernel runs over a **linear** iteration space of so many elements, in row-major order, and a
//! [`View`] says which element of a buffer belongs to each place of that space. So a broadcast is a stride of 0, a
//! reshape is nothing at all, and chains of elementwise ops fuse across both.

mod branch;
mod check;
mod cost;
mod emit;
mod fuse;
mod memory;
mod print;
mod program;
mod recompute;
mod schedule;
mod single;
mod view;

use smallvec::SmallVec;

pub use cost::Cost;
pub use program::{Instruction, Load, Program, Register, Scalar};
pub use view::{View, ViewDim};

use crate::graph::Graph;
use crate::op::Op;
use crate::ops::Reduction;
use crate::origin::Origins;
use crate::tensor::Tensor;
use crate::types::{DType, Type};

/// Every arena offset is a multiple of this many bytes: a cache line, and the widest vector register.
pub const ALIGNMENT: usize = 64;

/// A whole program, ready to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Types of the inputs, state first.
    pub inputs: Vec<Type>,
    /// Types of the outputs, new state first.
    pub outputs: Vec<Type>,
    /// How many leading inputs are state, and leading outputs their next values, in the same memory.
    pub state: usize,
    /// The tensors that [`Place::Constant`] names.
    pub constants: Vec<Tensor>,
    /// Every buffer that a step reads or writes.
    pub buffers: Vec<Buffer>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// Bytes of scratch memory that [`Place::Arena`] offsets point into.
    pub arena_bytes: usize,
}

/// The number of a buffer in [`Plan::buffers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub u32);

impl BufferId {
    /// Its place in [`Plan::buffers`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Row-major memory of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Element type and shape.
    pub ty: Type,
    /// Where it lies.
    pub place: Place,
}

/// Where a buffer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// State number so-and-so: read as it came in, written as it goes out.
    State(usize),
    /// Input number so-and-so, counted from the first that is not state. Never written.
    Input(usize),
    /// Output number so-and-so, counted from the first that is not state.
    Output(usize),
    /// One of the plan's constants. Never written.
    Constant(usize),
    /// Scratch memory, from this byte on.
    Arena(usize),
}

/// One kernel with its buffers.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What to compute.
    pub kernel: Kernel,
    /// Buffers read. A load names one by its place here; the operands of a dot, a reduce or an op come first.
    pub reads: SmallVec<[BufferId; 4]>,
    /// Buffers written, one for each store of the kernel's last program; one for an op; one for each result of a loop
    /// or a branch.
    pub writes: SmallVec<[BufferId; 2]>,
    /// What it was written by.
    pub origins: Origins,
}

/// What one step computes.
///
/// Outputs may lie in the memory of an input only where that is harmless: if every load of it by the last program (the
/// map's, or the tail) reads at each place just the element written there ([`Program::may_overwrite`]), and no head
/// and no operand of a dot or op reads it. So a kernel with a tail must finish its sums elsewhere (in a tile of
/// scratch), load, and store last. In a branch, the next value of a state may lie where the old one does, and an op
/// that changes some elements of its first operand may do it there ([`Op::changes_in_place`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// A fused expression of elementwise ops.
    Map(Map),
    /// A reduction of a fused expression, and a fused expression of its result.
    Reduce(ReduceKernel),
    /// A batch of matrix products, and a fused expression of its result.
    Dot(DotKernel),
    /// A plan run along time.
    Loop(LoopKernel),
    /// One of two plans.
    Branch(BranchKernel),
    /// Any other op, and, after a convolution or windows, a fused expression of its result.
    Op(OpKernel),
}

impl Kernel {
    /// True if output number `write` may lie in the memory of `read`: the rule above.
    pub fn may_overwrite(&self, read: usize, write: usize) -> bool {
        match self {
            Kernel::Map(map) => map.program.may_overwrite(read),
            Kernel::Dot(dot) => read >= 2 && dot.tail.may_overwrite(read),
            Kernel::Reduce(reduce) => {
                reduce.head.loads.iter().all(|load| load.read != read) && reduce.tail.may_overwrite(read)
            }
            Kernel::Branch(branch) => branch.state_of(write).is_some_and(|state| read == 1 + state),
            Kernel::Op(OpKernel { op, operands, tail, .. }) => {
                (read == 0 && op.changes_in_place()) || (read >= *operands && tail.may_overwrite(read))
            }
            Kernel::Loop(_) => false,
        }
    }
}

/// For each place `i` of `0..elements`: the program's stores.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Size of the iteration space.
    pub elements: usize,
    /// What is computed at each place.
    pub program: Program,
}

/// Reduces the single store of `head` along some axes of its iteration space, then runs `tail` over what is left.
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceKernel {
    /// How elements combine.
    pub kind: Reduction,
    /// Element type of the reduced value; sums of bf16 and f16 are kept in f32.
    pub dtype: DType,
    /// The iteration space of `head`, outermost axis first, with neighbouring axes of the same kind joined.
    pub axes: SmallVec<[ReduceAxis; 4]>,
    /// What is reduced, at each place of the whole space.
    pub head: Program,
    /// What is made of the results: register 0 is the reduced value, and loads follow.
    pub tail: Program,
}

/// One axis of a reduction's iteration space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReduceAxis {
    /// Number of places along it.
    pub size: usize,
    /// True if it is summed away.
    pub reduced: bool,
}

impl ReduceKernel {
    /// Number of elements that go in.
    pub fn elements(&self) -> usize {
        self.axes.iter().map(|axis| axis.size).product()
    }

    /// Number of elements that come out.
    pub fn results(&self) -> usize {
        self.axes.iter().filter(|axis| !axis.reduced).map(|axis| axis.size).product()
    }
}

/// `batch` products `[m,k]·[k,n]`, then `tail` over the `batch·m·n` results.
#[derive(Clone, Debug, PartialEq)]
pub struct DotKernel {
    /// Number of products.
    pub batch: usize,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Length of each sum.
    pub k: usize,
    /// Element type of operands and results; sums of bf16 and f16 are kept in f32.
    pub dtype: DType,
    /// The left operand lies as `[batch,k,m]` instead of `[batch,m,k]`.
    pub lhs_transposed: bool,
    /// The right operand lies as `[batch,n,k]` instead of `[batch,k,n]`.
    pub rhs_transposed: bool,
    /// What is made of the results: register 0 is the product, and loads follow.
    pub tail: Program,
}

/// One op, then `tail` over the elements of its result.
///
/// The step reads the arguments of the op first, each as a buffer of the argument's type.
#[derive(Clone, Debug, PartialEq)]
pub struct OpKernel {
    /// What is computed first.
    pub op: Op,
    /// How many of the step's reads are the op's arguments.
    pub operands: usize,
    /// The type of the op's result; sums of bf16 and f16 are kept in f32.
    pub result: Type,
    /// What is made of the result: register 0 is an element of it, and loads follow. It is the identity after all ops
    /// but the three of convolutions, `window` and `window_spread`.
    pub tail: Program,
}

/// Runs a plan `length` times: see [`crate::ops::Scan`].
///
/// The step reads the initial values of the body's state, then `sequences` buffers of which each turn has a slice along
/// the first axis for its input, then the inputs that all turns have in common. The state lives as long as the loop.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopKernel {
    /// What runs each time.
    pub body: Plan,
    /// How often.
    pub length: usize,
    /// From the last slice to the first.
    pub reverse: bool,
    /// How many reads after the state are cut into slices.
    pub sequences: usize,
    /// For each buffer the step writes the output of the body that belongs there: below [`Plan::state`] the last value
    /// of that state, and from there on the slices that all turns give, each at its own index.
    pub outputs: SmallVec<[usize; 4]>,
}

/// Runs one of two plans: see [`crate::ops::Conditional`].
///
/// The step reads the predicate, then what both plans take: the state, then the inputs. The state lives where the step
/// writes its next value. If that is where it is read, too, a branch changes it in place, and one that leaves it as it
/// is does nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct BranchKernel {
    /// What runs where the predicate holds.
    pub then: Plan,
    /// What runs where it does not; it has as much state, and inputs and outputs of the same types.
    pub otherwise: Plan,
    /// For each buffer the step writes the output of the plans that belongs there: below [`Plan::state`] the next value
    /// of that state.
    pub outputs: SmallVec<[usize; 4]>,
}

impl BranchKernel {
    /// Which state it is whose next value output number `write` of the step is, if it is that.
    fn state_of(&self, write: usize) -> Option<usize> {
        self.outputs.get(write).copied().filter(|&output| output < self.then.state)
    }
}

/// Plans a graph that the passes have prepared: see [`crate::passes::optimize`].
pub fn plan(graph: &Graph) -> Plan {
    let groups = recompute::recompute(graph, fuse::fuse(graph));
    let order = schedule::schedule(graph, &groups);
    memory::place(graph, &groups, &order)
}
