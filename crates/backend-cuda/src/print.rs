//! Programs printed as CUDA C: a struct with the pointers it needs, and a method that runs it at some places.
//!
//! ```text
//! struct map_0_program {
//!     static constexpr int LANES = 4;
//!     const f32* r0; const f32* r1; f32* w0;
//!     METHOD void run(Lanes<4>, index i) const {
//!         const Pack<f32, 4> x0 = load<4>(r0, i);
//!         const f32 x1 = r1[i % 512u];
//!         Pack<f32, 4> y0;
//!         for (int v = 0; v < 4; ++v) {
//!             const f32 x2 = op::add_(x0[v], x1);
//!             y0[v] = x2;
//!         }
//!         store(w0, i, y0);
//!     }
//!     METHOD void run(Lanes<1>, index i) const { … }
//! };
//! ```
//!
//! A tail takes its root as a further argument, `const Pack<f32, 4>& root`; a head is called `get` and gives back what
//! it would store.

use std::fmt::Write as _;

use cornu_ir::DType;
use cornu_ir::plan::{Instruction, Load, Program, Register, Scalar, View};
use smallvec::SmallVec;

use crate::launch::BufferIndex;

/// The most neighbouring places that a thread takes at a time: more would only take registers.
const MOST_LANES: usize = 8;
/// Bytes that memory moves at once.
const BYTES_AT_ONCE: usize = 16;

/// A program as text.
#[derive(Debug)]
pub(crate) struct Functor {
    /// The name of the struct, with `@` for the name of the kernel.
    pub(crate) name: String,
    /// Its definition.
    pub(crate) text: String,
    /// What its members point at, in their order: one parameter of the kernel.
    pub(crate) pointers: SmallVec<[BufferIndex; 4]>,
    /// How many neighbouring places it takes at a time, beside one.
    pub(crate) lanes: usize,
}

impl Functor {
    /// The same under another name.
    pub(crate) fn renamed(&self, name: &str) -> Functor {
        let text = self.text.replace(&self.name, name);
        Functor { name: name.to_string(), text, pointers: self.pointers.clone(), lanes: self.lanes }
    }
}

/// What a program is to its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// All of it: stores what it computes.
    Program,
    /// Gives the numbers that are reduced.
    Head,
    /// Goes on from the kernel's result.
    Tail,
}

/// The buffers of a step.
pub(crate) struct Wiring<'a> {
    pub(crate) reads: &'a [BufferIndex],
    pub(crate) writes: &'a [BufferIndex],
}

/// The name of an element type in CUDA C.
pub(crate) fn c_type(dtype: DType) -> &'static str {
    dtype.name()
}

/// How many places a program can take at a time: what memory moves at once of its widest numbers.
pub(crate) fn lanes(program: &Program, aligned: bool) -> usize {
    let loads = program.loads.iter().map(|load| load.dtype);
    let stores = program.stores.iter().map(|&register| program.dtype(register));
    lanes_of(loads.chain(stores), aligned)
}

/// How many neighbours are moved at a time where they are of these types.
pub(crate) fn lanes_of(dtypes: impl IntoIterator<Item = DType>, aligned: bool) -> usize {
    let widest = dtypes.into_iter().map(DType::bytes).max().unwrap_or(BYTES_AT_ONCE);
    if aligned { (BYTES_AT_ONCE / widest).min(MOST_LANES) } else { 1 }
}

/// Prints a program that takes so many neighbouring places at a time, and one.
pub(crate) fn functor(program: &Program, role: Role, wiring: &Wiring<'_>, lanes: usize) -> Functor {
    let kind = match role {
        Role::Program => "program",
        Role::Head => "head",
        Role::Tail => "tail",
    };
    let mut printer = Printer { program, role, text: String::new() };
    let mut reads: Vec<usize> = program.loads.iter().map(|load| load.read).collect();
    reads.sort_unstable();
    reads.dedup();
    let name = format!("@_{kind}");
    printer.open(&format!("struct {name} {{"));
    printer.line(&format!("static constexpr int LANES = {lanes};"));
    let mut pointers: SmallVec<[BufferIndex; 4]> = SmallVec::new();
    for &read in &reads {
        let load = program.loads.iter().find(|load| load.read == read).expect("it was just found there");
        printer.line(&format!("const {}* r{read};", c_type(load.dtype)));
        pointers.push(wiring.reads[read]);
    }
    if role != Role::Head {
        for (number, (&register, &write)) in program.stores.iter().zip(wiring.writes).enumerate() {
            printer.line(&format!("{}* w{number};", c_type(program.dtype(register))));
            pointers.push(write);
        }
    }
    printer.method(lanes);
    if lanes != 1 {
        printer.method(1);
    }
    printer.close("};");
    Functor { name, text: printer.text, pointers, lanes }
}

/// How the places of a group lie in what is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    /// Side by side, beginning at a multiple of their number.
    Together,
    /// All at one.
    Same,
    /// Anyhow.
    Apart,
}

/// How `lanes` neighbouring places, the first a multiple of `lanes`, lie in a view.
fn spread(view: &View, lanes: usize) -> Spread {
    let Some((inner, outer)) = view.dims.split_last() else { return Spread::Same };
    let fits = inner.size.is_multiple_of(lanes);
    let aligned =
        view.offset.is_multiple_of(lanes) && outer.iter().all(|dim| dim.stride.is_multiple_of(lanes));
    match inner.stride {
        0 if fits => Spread::Same,
        1 if fits && aligned => Spread::Together,
        _ if lanes == 1 => Spread::Together,
        _ => Spread::Apart,
    }
}

/// The element of a view at place `i`, an expression in parentheses where it needs them.
pub(crate) fn element(view: &View, i: &str) -> String {
    let mut terms: Vec<String> = Vec::new();
    let mut inside = 1;
    for (number, dim) in view.dims.iter().enumerate().rev() {
        let mut term = if inside == 1 { i.to_string() } else { format!("{i} / {inside}u") };
        if number > 0 {
            let _ = write!(term, " % {}u", dim.size);
        }
        match dim.stride {
            0 => {}
            1 => terms.push(term),
            stride => terms.push(format!("{term} * {stride}u")),
        }
        inside *= dim.size;
    }
    if view.offset > 0 || terms.is_empty() {
        terms.push(format!("{}u", view.offset));
    }
    terms.reverse();
    terms.join(" + ")
}

/// A number as CUDA C writes it, given by its bits.
pub(crate) fn constant(dtype: DType, bits: u64) -> String {
    match dtype {
        DType::F32 => {
            let number = f32::from_bits(bits as u32);
            if number.is_finite() {
                format!("{number:?}f")
            } else {
                format!("__uint_as_float({:#x}u)", bits as u32)
            }
        }
        DType::F64 => {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                format!("{number:?}")
            } else {
                format!("__longlong_as_double({bits:#x}ull)")
            }
        }
        DType::BF16 => format!("bf16{{{:#x}}}", bits as u16),
        DType::F16 => format!("f16{{{:#x}}}", bits as u16),
        DType::I32 => format!("(i32){:#x}u", bits as u32),
        DType::I64 => format!("(i64){bits:#x}ull"),
        DType::U8 => format!("(u8){:#x}", bits as u8),
        DType::U32 => format!("{:#x}u", bits as u32),
        DType::Bool => (bits != 0).to_string(),
    }
}

struct Printer<'a> {
    program: &'a Program,
    role: Role,
    text: String,
}

impl Printer<'_> {
    fn depth(&self) -> usize {
        self.text.matches('{').count() - self.text.matches('}').count()
    }

    fn line(&mut self, text: &str) {
        let indent = 4 * self.depth();
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    fn open(&mut self, text: &str) {
        self.line(text);
    }

    fn close(&mut self, text: &str) {
        let indent = 4 * (self.depth() - 1);
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }

    /// The method that takes so many places at a time.
    fn method(&mut self, lanes: usize) {
        let program = self.program;
        let (gives, name) = match self.role {
            Role::Head => (format!("Pack<{}, {lanes}>", c_type(program.dtype(program.stores[0]))), "get"),
            Role::Program | Role::Tail => ("void".to_string(), "run"),
        };
        let root = match program.root {
            Some(dtype) => format!(", const Pack<{}, {lanes}>& root", c_type(dtype)),
            None => String::new(),
        };
        self.open(&format!("METHOD {gives} {name}(Lanes<{lanes}>, index i{root}) const {{"));
        for (number, load) in program.loads.iter().enumerate() {
            self.load(number, load, lanes);
        }
        for (number, &register) in program.stores.iter().enumerate() {
            self.line(&format!("Pack<{}, {lanes}> y{number};", c_type(program.dtype(register))));
        }
        self.line("#pragma unroll");
        self.open(&format!("for (int v = 0; v < {lanes}; ++v) {{"));
        for (number, instruction) in program.instructions.iter().enumerate() {
            self.instruction(number, instruction, lanes);
        }
        for (number, &register) in program.stores.iter().enumerate() {
            self.line(&format!("y{number}[v] = {};", self.operand(register, lanes)));
        }
        self.close("}");
        match self.role {
            Role::Head => self.line("return y0;"),
            Role::Program | Role::Tail => {
                for number in 0..program.stores.len() {
                    self.line(&format!("store(w{number}, i, y{number});"));
                }
            }
        }
        self.close("}");
    }

    fn load(&mut self, number: usize, load: &Load, lanes: usize) {
        let (register, read, c) = (self.program.first_load() + number, load.read, c_type(load.dtype));
        match spread(&load.view, lanes) {
            Spread::Together => {
                let element = element(&load.view, "i");
                self.line(&format!(
                    "const Pack<{c}, {lanes}> x{register} = load<{lanes}>(r{read}, {element});"
                ));
            }
            Spread::Same => {
                let element = element(&load.view, "i");
                self.line(&format!("const {c} x{register} = r{read}[{element}];"));
            }
            Spread::Apart => {
                let element = element(&load.view, "(i + v)");
                self.line(&format!("Pack<{c}, {lanes}> x{register};"));
                self.line("#pragma unroll");
                self.line(&format!("for (int v = 0; v < {lanes}; ++v) x{register}[v] = r{read}[{element}];"));
            }
        }
    }

    fn instruction(&mut self, number: usize, instruction: &Instruction, lanes: usize) {
        let register = self.program.first_instruction() + number;
        let args: Vec<String> = instruction.args.iter().map(|&arg| self.operand(arg, lanes)).collect();
        let c = c_type(instruction.dtype);
        let value = match &instruction.op {
            Scalar::Constant(bits) => constant(instruction.dtype, *bits),
            Scalar::Iota { stride, size } => format!("cast<{c}>((i + v) / {stride}u % {size}u)"),
            Scalar::Unary(op) => call(cornu_ir::Op::Unary(*op).rules().name(), &args),
            Scalar::Binary(op) => call(cornu_ir::Op::Binary(*op).rules().name(), &args),
            Scalar::Compare(op) => call(cornu_ir::Op::Compare(*op).rules().name(), &args),
            Scalar::Select => call("select", &args),
            Scalar::Cast => format!("cast<{c}>({})", args.join(", ")),
        };
        self.line(&format!("const {c} x{register} = {value};"));
    }

    /// One lane of a register.
    fn operand(&self, register: Register, lanes: usize) -> String {
        let program = self.program;
        if program.root.is_some() && register == 0 {
            return "root[v]".to_string();
        }
        let is_load = register < program.first_instruction();
        let is_pack =
            is_load && spread(&program.loads[register - program.first_load()].view, lanes) != Spread::Same;
        if is_pack { format!("x{register}[v]") } else { format!("x{register}") }
    }
}

/// The function of scalar.cuh for an op.
fn call(name: &str, args: &[String]) -> String {
    format!("op::{name}_({})", args.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cornu_ir::ops::Binary;
    use cornu_ir::plan::ViewDim;
    use smallvec::smallvec;

    fn view(offset: usize, dims: &[(usize, usize)]) -> View {
        View::new(offset, dims.iter().map(|&(size, stride)| ViewDim { size, stride }))
    }

    #[test]
    fn elements_are_where_the_view_says() {
        assert_eq!(element(&View::contiguous(7), "i"), "i");
        assert_eq!(element(&view(3, &[(4, 0), (8, 1)]), "i"), "3u + i % 8u");
        assert_eq!(element(&view(0, &[(4, 1), (8, 4)]), "i"), "i / 8u + i % 8u * 4u");
        assert_eq!(element(&view(5, &[(9, 0)]), "i"), "5u");
    }

    #[test]
    fn groups_are_read_at_once_where_they_lie_together() {
        assert_eq!(spread(&View::contiguous(8), 4), Spread::Together);
        assert_eq!(spread(&View::contiguous(6), 4), Spread::Apart);
        assert_eq!(spread(&view(2, &[(4, 8), (4, 1)]), 4), Spread::Apart);
        assert_eq!(spread(&view(0, &[(4, 1), (8, 0)]), 4), Spread::Same);
        assert_eq!(spread(&view(0, &[(4, 2), (8, 3)]), 1), Spread::Together);
    }

    #[test]
    fn numbers_are_written_exactly() {
        assert_eq!(constant(DType::F32, u64::from(0.1f32.to_bits())), "0.1f");
        assert_eq!(
            constant(DType::F32, u64::from(f32::NEG_INFINITY.to_bits())),
            "__uint_as_float(0xff800000u)"
        );
        assert_eq!(constant(DType::I32, u64::from(u32::MAX)), "(i32)0xffffffffu");
        assert_eq!(constant(DType::F64, 1e-300f64.to_bits()), "1e-300");
    }

    #[test]
    fn a_program_is_a_struct_of_pointers_and_a_method() {
        let add = Instruction { op: Scalar::Binary(Binary::Add), args: smallvec![0, 1], dtype: DType::F32 };
        let load = |read, view| Load { read, dtype: DType::F32, view };
        let program = Program {
            root: None,
            loads: vec![load(0, View::contiguous(16)), load(1, view(0, &[(4, 1), (4, 0)]))],
            instructions: vec![add],
            stores: smallvec![2],
        };
        let wiring = Wiring { reads: &[7, 8], writes: &[9] };
        let functor = functor(&program, Role::Program, &wiring, lanes(&program, true));
        assert_eq!(functor.pointers.as_slice(), [7, 8, 9]);
        let expected = "\
struct @_program {
    static constexpr int LANES = 4;
    const f32* r0;
    const f32* r1;
    f32* w0;
    METHOD void run(Lanes<4>, index i) const {
        const Pack<f32, 4> x0 = load<4>(r0, i);
        const f32 x1 = r1[i / 4u];
        Pack<f32, 4> y0;
        #pragma unroll
        for (int v = 0; v < 4; ++v) {
            const f32 x2 = op::add_(x0[v], x1);
            y0[v] = x2;
        }
        store(w0, i, y0);
    }
";
        assert!(functor.text.starts_with(expected), "{}", functor.text);
    }
}
