//! Kernels from groups: each value gets a register, each outside value a load.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::branch::branch;
use super::fuse::{Group, GroupId, Groups, Source};
use super::{
    DotKernel, Instruction, Kernel, Load, LoopKernel, Map, OpKernel, Program, ReduceAxis, ReduceKernel,
    Register, Scalar,
};
use crate::graph::{Graph, Value};
use crate::op::Op;
use crate::ops::{Constant, Dot, Reduce};
use crate::origin::Origins;
use crate::tensor::Tensor;
use crate::types::{DType, Shape};

/// A group's kernel, and the values it reads in the order of [`super::Step::reads`]. It writes the group's outputs.
pub(super) struct Emitted {
    pub(super) kernel: Kernel,
    pub(super) reads: Vec<Value>,
}

/// What the kernel of a group was written by.
pub(super) fn origins(graph: &Graph, group: &Group) -> Origins {
    let members = group.root.iter().chain(&group.head).chain(&group.members);
    Origins::of(members.map(|&value| &graph.node(value).origin))
}

/// The kernel of one group.
pub(super) fn emit(graph: &Graph, groups: &Groups, id: GroupId) -> Emitted {
    let group = &groups.list[id];
    let mut reads = Vec::new();
    let Some(root) = group.root else {
        let mut writer = Writer::new(graph, groups, id, None, &mut reads);
        let program = writer.program(&group.members, &group.outputs);
        return Emitted { kernel: Kernel::Map(Map { elements: group.elements, program }), reads };
    };
    let node = graph.node(root);
    let kernel = match &node.op {
        Op::Dot(dot) => {
            reads.extend(&node.args);
            Kernel::Dot(dot_kernel(graph, dot, root, |dtype| tail(graph, groups, id, dtype, &mut reads)))
        }
        Op::Reduce(reduce) => {
            let head = Writer::new(graph, groups, id, None, &mut reads).head(group, node.args[0]);
            let tail = tail(graph, groups, id, node.ty.dtype, &mut reads);
            let axes = reduce_axes(reduce, &graph.ty(node.args[0]).shape);
            Kernel::Reduce(ReduceKernel { kind: reduce.kind, dtype: node.ty.dtype, axes, head, tail })
        }
        Op::Scan(scan) => {
            reads.extend(&node.args);
            Kernel::Loop(LoopKernel {
                body: super::plan(&scan.body),
                length: scan.length,
                reverse: scan.reverse,
                sequences: scan.sequences,
                outputs: outputs_of(graph, &group.outputs),
            })
        }
        Op::Conditional(conditional) => {
            let (kernel, args) = branch(graph, groups, group, conditional);
            reads.extend(args.iter().map(|&arg| node.args[arg]));
            Kernel::Branch(kernel)
        }
        op => {
            reads.extend(&node.args);
            let tail = tail(graph, groups, id, node.ty.dtype, &mut reads);
            Kernel::Op(OpKernel { op: op.clone(), operands: node.args.len(), result: node.ty.clone(), tail })
        }
    };
    Emitted { kernel, reads }
}

/// Which outputs of their bodies these results of a compound op are.
pub(super) fn outputs_of(graph: &Graph, results: &[Value]) -> SmallVec<[usize; 4]> {
    let output_of = |value: &Value| match graph.node(*value).op.rules().compound() {
        Some(compound) => compound.output(),
        None => unreachable!("the group of a compound op holds its results alone"),
    };
    results.iter().map(output_of).collect()
}

fn tail(graph: &Graph, groups: &Groups, id: GroupId, dtype: DType, reads: &mut Vec<Value>) -> Program {
    let group = &groups.list[id];
    Writer::new(graph, groups, id, group.root.map(|root| (root, dtype)), reads)
        .program(&group.members, &group.outputs)
}

fn dot_kernel(graph: &Graph, dot: &Dot, root: Value, tail: impl FnOnce(DType) -> Program) -> DotKernel {
    let node = graph.node(root);
    let (lhs, rhs) = (&graph.ty(node.args[0]).shape, &graph.ty(node.args[1]).shape);
    let plain = dot.lhs_batch[..] == [0] && dot.rhs_batch[..] == [0] && dot.lhs_contract.len() == 1;
    assert!(plain && lhs.rank() == 3 && rhs.rank() == 3, "`canonicalize` runs before `plan`");
    let sizes = dot.sizes(lhs, rhs);
    DotKernel {
        batch: sizes.batch,
        m: sizes.m,
        n: sizes.n,
        k: sizes.k,
        dtype: node.ty.dtype,
        lhs_transposed: dot.lhs_contract[0] == 1,
        rhs_transposed: dot.rhs_contract[0] == 2,
        tail: tail(node.ty.dtype),
    }
}

/// The axes of a reduction with neighbours of one kind joined. Axes of size 1 vanish.
fn reduce_axes(reduce: &Reduce, shape: &Shape) -> SmallVec<[ReduceAxis; 4]> {
    let mut axes: SmallVec<[ReduceAxis; 4]> = SmallVec::new();
    for (axis, &size) in shape.iter().enumerate().filter(|&(_, &size)| size != 1) {
        let reduced = reduce.axes.contains(&axis);
        match axes.last_mut() {
            Some(last) if last.reduced == reduced => last.size *= size,
            _ => axes.push(ReduceAxis { size, reduced }),
        }
    }
    axes
}

/// Where a register gets its value.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Value(Value),
    Load(Source),
    Number(u64, DType),
}

/// Writes one program.
struct Writer<'a> {
    graph: &'a Graph,
    groups: &'a Groups,
    id: GroupId,
    /// Values that the step reads, shared by its programs.
    reads: &'a mut Vec<Value>,
    program: Program,
    registers: HashMap<Key, Slot>,
}

/// A register before the number of loads is known.
#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Root,
    Load(usize),
    Instruction(usize),
}

impl<'a> Writer<'a> {
    fn new(
        graph: &'a Graph,
        groups: &'a Groups,
        id: GroupId,
        root: Option<(Value, DType)>,
        reads: &'a mut Vec<Value>,
    ) -> Writer<'a> {
        let program = Program { root: root.map(|(_, dtype)| dtype), ..Program::default() };
        let registers = root.map(|(value, _)| (Key::Value(value), Slot::Root)).into_iter().collect();
        Writer { graph, groups, id, reads, program, registers }
    }

    /// The program that computes `members` and stores `outputs`.
    fn program(&mut self, members: &[Value], outputs: &[Value]) -> Program {
        let mut instructions: Vec<(Instruction, SmallVec<[Slot; 3]>)> = Vec::new();
        members.iter().for_each(|&member| self.compute(member, &mut instructions));
        let stores: Vec<Slot> = outputs.iter().map(|&output| self.registers[&Key::Value(output)]).collect();
        self.number(instructions, &stores)
    }

    /// The program of a reduction's head: what it sums over.
    fn head(&mut self, group: &Group, operand: Value) -> Program {
        let mut instructions = Vec::new();
        group.head.iter().for_each(|&member| self.compute(member, &mut instructions));
        let store = self.slot(operand, &mut instructions);
        self.number(instructions, &[store])
    }

    /// Replaces slots by final register numbers.
    fn number(&mut self, instructions: Vec<(Instruction, SmallVec<[Slot; 3]>)>, stores: &[Slot]) -> Program {
        let mut program = std::mem::take(&mut self.program);
        let (first_load, first_instruction) = (program.first_load(), program.first_instruction());
        let register = |slot: Slot| -> Register {
            match slot {
                Slot::Root => 0,
                Slot::Load(index) => first_load + index,
                Slot::Instruction(index) => first_instruction + index,
            }
        };
        program.stores = stores.iter().map(|&slot| register(slot)).collect();
        program.instructions = instructions
            .into_iter()
            .map(|(instruction, args)| Instruction {
                args: args.into_iter().map(register).collect(),
                ..instruction
            })
            .collect();
        program
    }

    fn compute(&mut self, member: Value, instructions: &mut Vec<(Instruction, SmallVec<[Slot; 3]>)>) {
        let node = self.graph.node(member);
        let op = match &node.op {
            Op::Unary(op) => Scalar::Unary(*op),
            Op::Binary(op) => Scalar::Binary(*op),
            Op::Compare(op) => Scalar::Compare(*op),
            Op::Select(_) => Scalar::Select,
            Op::Cast(_) => Scalar::Cast,
            Op::Iota(iota) => {
                let (stride, size) = (iota.ty.shape.strides()[iota.axis], iota.ty.shape[iota.axis]);
                Scalar::Iota { stride, size }
            }
            // A view that had to be copied: the load is all there is to compute.
            _ => {
                let slot = self.slot_of(self.groups.copied(self.graph, member), instructions);
                self.registers.insert(Key::Value(member), slot);
                return;
            }
        };
        let args = node.args.iter().map(|&arg| self.slot(arg, instructions)).collect();
        let instruction = Instruction { op, args: SmallVec::new(), dtype: node.ty.dtype };
        instructions.push((instruction, args));
        self.registers.insert(Key::Value(member), Slot::Instruction(instructions.len() - 1));
    }

    fn slot(&mut self, value: Value, instructions: &mut Vec<(Instruction, SmallVec<[Slot; 3]>)>) -> Slot {
        self.slot_of(self.groups.sources[value.index()].clone(), instructions)
    }

    /// The register that holds what a source gives, made on first use.
    fn slot_of(
        &mut self,
        source: Source,
        instructions: &mut Vec<(Instruction, SmallVec<[Slot; 3]>)>,
    ) -> Slot {
        let computed_here = self.groups.of[source.base.index()] == Some(self.id);
        let at_same_place = source.view.is_contiguous();
        if let Some(&slot) = self.registers.get(&Key::Value(source.base)).filter(|_| at_same_place) {
            return slot;
        }
        let node = self.graph.node(source.base);
        let made = match &node.op {
            Op::Constant(Constant(tensor)) if tensor.shape().elements() == 1 => {
                Some((Key::Number(bits(tensor), node.ty.dtype), Scalar::Constant(bits(tensor))))
            }
            Op::Iota(iota) if source.view.is_contiguous() && !computed_here => {
                let (stride, size) = (iota.ty.shape.strides()[iota.axis], iota.ty.shape[iota.axis]);
                Some((Key::Load(source.clone()), Scalar::Iota { stride, size }))
            }
            _ => None,
        };
        let Some((key, op)) = made else { return self.load(source) };
        if let Some(&slot) = self.registers.get(&key) {
            return slot;
        }
        let instruction = Instruction { op, args: SmallVec::new(), dtype: node.ty.dtype };
        instructions.push((instruction, SmallVec::new()));
        let slot = Slot::Instruction(instructions.len() - 1);
        self.registers.insert(key, slot);
        slot
    }

    fn load(&mut self, source: Source) -> Slot {
        let key = Key::Load(source.clone());
        if let Some(&slot) = self.registers.get(&key) {
            return slot;
        }
        let read = self.reads.iter().position(|&read| read == source.base).unwrap_or_else(|| {
            self.reads.push(source.base);
            self.reads.len() - 1
        });
        let dtype = self.graph.ty(source.base).dtype;
        self.program.loads.push(Load { read, dtype, view: source.view });
        let slot = Slot::Load(self.program.loads.len() - 1);
        self.registers.insert(key, slot);
        slot
    }
}

impl Groups {
    /// What a copied view reads: its argument's source, seen through the view.
    fn copied(&self, graph: &Graph, value: Value) -> Source {
        let node = graph.node(value);
        let arg = &self.sources[node.args[0].index()];
        let outer = super::fuse::outer_view(graph, value);
        match outer.through(&arg.view) {
            Some(view) => Source { base: arg.base, view },
            None => unreachable!("fusion gives memory to the argument of a view that strides cannot say"),
        }
    }
}

/// The element of a one-element tensor, widened.
fn bits(tensor: &Tensor) -> u64 {
    tensor.bits().next().expect("one element")
}
