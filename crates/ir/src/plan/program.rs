//! Program: a fused elementwise expression as straight-line code over virtual registers.

use smallvec::SmallVec;

use super::View;
use crate::ops::{Binary, Compare, Unary};
use crate::types::DType;

/// The number of a register. Registers are numbered in the order they are made: first the result of the kernel's
/// root (in the tail of a dot or reduce), then one for each load, then one for each instruction.
pub type Register = usize;

/// What is computed at each place of an iteration space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Element type of the root's result, which is register 0; `None` in a map and in the head of a reduction.
    pub root: Option<DType>,
    /// What is read.
    pub loads: Vec<Load>,
    /// What is computed, in order.
    pub instructions: Vec<Instruction>,
    /// The registers written, one for each output of the step. A head has exactly one.
    pub stores: SmallVec<[Register; 2]>,
}

/// One element of a buffer at each place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The buffer: its place in [`super::Step::reads`].
    pub read: usize,
    /// Its element type.
    pub dtype: DType,
    /// Which element.
    pub view: View,
}

/// One scalar operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// What is computed.
    pub op: Scalar,
    /// From which registers.
    pub args: SmallVec<[Register; 3]>,
    /// Element type of the result.
    pub dtype: DType,
}

/// The operations of a program: the elementwise ops, and values that need no memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A fixed number, by the bits of its element type widened to 64.
    Constant(u64),
    /// The place's coordinate along one axis: `i / stride % size`.
    Iota {
        /// Places between neighbours along the axis.
        stride: usize,
        /// Number of places along the axis.
        size: usize,
    },
    /// A function of one number.
    Unary(Unary),
    /// A function of two numbers.
    Binary(Binary),
    /// A comparison; the arguments are of the type of their registers.
    Compare(Compare),
    /// The second or third argument, by the first.
    Select,
    /// From the type of the argument's register to the instruction's.
    Cast,
}

impl Program {
    /// The program that stores its root.
    pub fn identity(root: DType) -> Program {
        Program { root: Some(root), stores: SmallVec::from_elem(0, 1), ..Program::default() }
    }

    /// True if it stores its root and does nothing else.
    pub fn is_identity(&self) -> bool {
        self.root.is_some() && self.instructions.is_empty() && self.stores.as_slice() == [0]
    }

    /// The first register of the loads.
    pub fn first_load(&self) -> Register {
        usize::from(self.root.is_some())
    }

    /// The first register of the instructions.
    pub fn first_instruction(&self) -> Register {
        self.first_load() + self.loads.len()
    }

    /// Number of registers.
    pub fn registers(&self) -> usize {
        self.first_instruction() + self.instructions.len()
    }

    /// Element type of a register.
    pub fn dtype(&self, register: Register) -> DType {
        match (self.root, register) {
            (Some(root), 0) => root,
            _ if register < self.first_instruction() => self.loads[register - self.first_load()].dtype,
            _ => self.instructions[register - self.first_instruction()].dtype,
        }
    }

    /// True if an output may lie in the memory of `read`: each place reads of it only the element that it writes.
    pub fn may_overwrite(&self, read: usize) -> bool {
        self.loads.iter().filter(|load| load.read == read).all(|load| load.view.is_contiguous())
    }
}
