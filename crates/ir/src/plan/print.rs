//! The written form of a plan, for people and for tests: one line for each kernel, with what it reads and writes.

use std::fmt;

use super::{Kernel, Load, Place, Plan, Program, Register, Scalar, Step, View};
use crate::op::Rules;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan of {} kernels, {} bytes of scratch {{", self.steps.len(), self.arena_bytes)?;
        for step in &self.steps {
            write!(f, "  ")?;
            self.write_places(f, &step.writes)?;
            write!(f, " = {}", Head(step))?;
            self.write_places(f, &step.reads)?;
            writeln!(f)?;
            write_programs(f, step)?;
        }
        writeln!(f, "}}")
    }
}

impl Plan {
    /// What a step is, in a line without its programs: `f32[8,10] = dot[1x 8x4 4x10]`.
    pub fn headline(&self, step: &Step) -> String {
        let types: Vec<String> =
            step.writes.iter().map(|id| self.buffers[id.index()].ty.to_string()).collect();
        format!("{} = {}", types.join(", "), Head(step)).trim_end().to_string()
    }

    fn write_places(&self, f: &mut fmt::Formatter<'_>, ids: &[super::BufferId]) -> fmt::Result {
        for (index, id) in ids.iter().enumerate() {
            let buffer = &self.buffers[id.index()];
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", buffer.place, buffer.ty)?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::State(index) => write!(f, "state{index}"),
            Place::Input(index) => write!(f, "input{index}"),
            Place::Output(index) => write!(f, "output{index}"),
            Place::Constant(index) => write!(f, "constant{index}"),
            Place::Arena(offset) => write!(f, "@{offset}"),
        }
    }
}

/// The name and sizes of a kernel.
struct Head<'a>(&'a Step);

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kernel {
            Kernel::Map(map) => write!(f, "map[{}] ", map.elements),
            Kernel::Reduce(reduce) => {
                write!(f, "{}[", reduce.kind.word())?;
                for (index, axis) in reduce.axes.iter().enumerate() {
                    let (times, mark) =
                        (if index == 0 { "" } else { "x" }, if axis.reduced { "-" } else { "" });
                    write!(f, "{times}{}{mark}", axis.size)?;
                }
                write!(f, "] ")
            }
            Kernel::Dot(dot) => {
                let (left, right) = (mark(dot.lhs_transposed), mark(dot.rhs_transposed));
                write!(f, "dot[{}x {}x{}{left} {}x{}{right}] ", dot.batch, dot.m, dot.k, dot.k, dot.n)
            }
            Kernel::Loop(kernel) => {
                let backwards = if kernel.reverse { " backwards" } else { "" };
                write!(f, "loop[{}{backwards}] of {} sequences, ", kernel.length, kernel.sequences)?;
                write!(f, "giving {:?} ", kernel.outputs.as_slice())
            }
            Kernel::Branch(kernel) => write!(f, "branch giving {:?} by ", kernel.outputs.as_slice()),
            Kernel::Op(kernel) => {
                let rules = kernel.op.rules();
                write!(f, "{}{} ", rules.name(), rules.attributes())
            }
        }
    }
}

fn mark(transposed: bool) -> &'static str {
    if transposed { "'" } else { "" }
}

fn write_programs(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    match &step.kernel {
        Kernel::Map(map) => write_program(f, "each", &map.program),
        Kernel::Reduce(reduce) => {
            write_program(f, "head", &reduce.head)?;
            write_tail(f, &reduce.tail)
        }
        Kernel::Dot(dot) => write_tail(f, &dot.tail),
        Kernel::Loop(kernel) => write_body(f, &kernel.body),
        Kernel::Branch(kernel) => {
            writeln!(f, "    then:")?;
            write_body(f, &kernel.then)?;
            writeln!(f, "    otherwise:")?;
            write_body(f, &kernel.otherwise)
        }
        Kernel::Op(kernel) => write_tail(f, &kernel.tail),
    }
}

fn write_tail(f: &mut fmt::Formatter<'_>, tail: &Program) -> fmt::Result {
    if tail.is_identity() { Ok(()) } else { write_program(f, "tail", tail) }
}

fn write_body(f: &mut fmt::Formatter<'_>, body: &Plan) -> fmt::Result {
    body.to_string().lines().try_for_each(|line| writeln!(f, "    {line}"))
}

/// `each: r0 = read 0; r1 = read 1 (0; 32:0 128:1); r2 = add r0 r1; store r2`
fn write_program(f: &mut fmt::Formatter<'_>, name: &str, program: &Program) -> fmt::Result {
    write!(f, "    {name}:")?;
    for (index, load) in program.loads.iter().enumerate() {
        write!(f, " r{} = {};", program.first_load() + index, Reading(load))?;
    }
    for (index, instruction) in program.instructions.iter().enumerate() {
        write!(f, " r{} = {}", program.first_instruction() + index, Operation(&instruction.op))?;
        write_registers(f, &instruction.args)?;
        if matches!(instruction.op, Scalar::Cast) {
            write!(f, " {}", instruction.dtype)?;
        }
        write!(f, ";")?;
    }
    write!(f, " store")?;
    write_registers(f, &program.stores)?;
    writeln!(f)
}

fn write_registers(f: &mut fmt::Formatter<'_>, registers: &[Register]) -> fmt::Result {
    registers.iter().try_for_each(|register| write!(f, " r{register}"))
}

struct Reading<'a>(&'a Load);

impl fmt::Display for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read {}", self.0.read)?;
        if self.0.view.is_contiguous() { Ok(()) } else { write!(f, " {}", self.0.view) }
    }
}

/// The offset, then size and stride of each axis: `(0; 32:0 128:1)`.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({};", self.offset)?;
        self.dims.iter().try_for_each(|dim| write!(f, " {}:{}", dim.size, dim.stride))?;
        write!(f, ")")
    }
}

struct Operation<'a>(&'a Scalar);

impl fmt::Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Scalar::Constant(bits) => write!(f, "constant 0x{bits:x}"),
            Scalar::Iota { stride, size } => write!(f, "iota {stride}:{size}"),
            Scalar::Unary(op) => f.write_str(op.name()),
            Scalar::Binary(op) => f.write_str(op.name()),
            Scalar::Compare(op) => f.write_str(op.name()),
            Scalar::Select => f.write_str("select"),
            Scalar::Cast => f.write_str("cast"),
        }
    }
}
