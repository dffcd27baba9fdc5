//! `Cpu`: the backend that users of this crate hold.

use std::sync::Arc;

use cornu_ir::backend::{Backend, Buffer, Executable, Limits, expect_type};
use cornu_ir::error::BackendError;
use cornu_ir::plan::Plan;
use cornu_ir::tensor::{Data, Tensor};
use cornu_ir::types::Type;

use crate::NAME;
use crate::buffer::Memory;
use crate::executable::Execution;
use crate::lower::lower;
use crate::simd::Isa;
use crate::simd::plain::{bytes, bytes_of_bools, elements};
use crate::team::Team;

/// How much of a batch one thread copies at once.
const BYTES_OF_PIECE: usize = 32 << 10;

/// The CPU of this machine: its best instruction set, and threads of its own.
///
/// Results are the same bits for any number of threads. `CORNU_CPU` may name an instruction set in place of the best
/// one (`avx512`, `avx2`, `portable`; `neon` is the one of AArch64), to see what a lesser machine would compute; one
/// that this machine lacks is an error.
pub struct Cpu {
    pub(crate) team: Arc<Team>,
    pub(crate) isa: Isa,
}

impl Cpu {
    /// As many threads as `CORNU_THREADS` says, or as the machine has cores.
    pub fn new() -> Result<Cpu, BackendError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match std::env::var("CORNU_THREADS") {
            Ok(text) => {
                text.parse().ok().filter(|&threads| threads > 0).ok_or_else(|| BackendError::Device {
                    backend: NAME,
                    reason: format!("CORNU_THREADS must be a number of threads, 1 or more; it is `{text}`"),
                })?
            }
            Err(_) => cores(),
        };
        Cpu::with_threads(threads)
    }

    /// So many threads; with one, everything runs on the thread that calls.
    pub fn with_threads(threads: usize) -> Result<Cpu, BackendError> {
        let isa = match std::env::var("CORNU_CPU") {
            Ok(name) => named(&name)?,
            Err(_) => Isa::detect(),
        };
        Ok(Cpu { team: Arc::new(Team::new(threads)?), isa })
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.team.threads()
    }

    /// The name of the instruction set in use: `avx512`, `avx2`, `neon` or `portable`.
    pub fn instruction_set(&self) -> &'static str {
        self.isa.name()
    }
}

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        NAME
    }

    fn compile(&self, plan: &Plan) -> Result<Box<dyn Executable>, BackendError> {
        let lowered = lower(plan, self.isa, self.threads())?;
        Ok(Box::new(Execution::new(plan, lowered, self.team.clone(), self.isa)?))
    }

    fn workspace_bytes(&self, plan: &Plan) -> Result<u64, BackendError> {
        let lowered = lower(plan, self.isa, self.threads())?;
        let constants: usize = lowered.constants.iter().map(|constant| constant.ty().bytes()).sum();
        let beside = lowered.arena_bytes.saturating_sub(plan.arena_bytes);
        Ok((constants + beside + self.threads() * lowered.scratch_bytes()) as u64)
    }

    fn limits(&self) -> Option<Limits> {
        Some(Cpu::limits(self))
    }

    fn allocate(&self, ty: &Type) -> Result<Buffer, BackendError> {
        Ok(Buffer::new(ty.clone(), Memory::zeroed(ty.bytes())?))
    }

    fn write(&self, buffer: &mut Buffer, host: &Tensor) -> Result<(), BackendError> {
        expect_type(NAME, "the buffer to write", buffer.ty(), &host.ty())?;
        let memory = buffer.memory_mut::<Memory>().ok_or_else(|| foreign("the buffer to write"))?;
        memory.as_mut_slice().copy_from_slice(host_bytes(host));
        Ok(())
    }

    fn write_rows(&self, buffer: &mut Buffer, host: &Tensor, rows: &[usize]) -> Result<(), BackendError> {
        let ty = Type { shape: host.shape().with(0, rows.len()), ..host.ty() };
        expect_type(NAME, "the buffer to write", buffer.ty(), &ty)?;
        let memory = buffer.memory_mut::<Memory>().ok_or_else(|| foreign("the buffer to write"))?;
        let (from, to) = (host_bytes(host), memory.as_mut_slice());
        let Some(width) = to.len().checked_div(rows.len()).filter(|&width| width > 0) else { return Ok(()) };
        let some = (BYTES_OF_PIECE / width).max(1);
        let pieces = rows.chunks(some).zip(to.chunks_mut(some * width));
        self.team.lead().each_of(pieces, &|(rows, to)| copy_rows(from, width, rows, to));
        Ok(())
    }

    fn read(&self, buffer: &Buffer, host: &mut Tensor) -> Result<(), BackendError> {
        expect_type(NAME, "the buffer to read", buffer.ty(), &host.ty())?;
        let memory = buffer.memory::<Memory>().ok_or_else(|| foreign("the buffer to read"))?;
        copy_out(memory.as_slice(), host);
        Ok(())
    }
}

/// The instruction set of this name, or the error that says which there are.
fn named(name: &str) -> Result<Isa, BackendError> {
    Isa::available().find(|isa| isa.name() == name).ok_or_else(|| {
        let sets = Isa::available().map(Isa::name).collect::<Vec<_>>().join(", ");
        let reason =
            format!("CORNU_CPU must name an instruction set of this machine ({sets}); it is `{name}`");
        BackendError::Device { backend: NAME, reason }
    })
}

/// The error of a buffer that another backend made.
pub(crate) fn foreign(what: &str) -> BackendError {
    BackendError::Buffer {
        backend: NAME,
        what: what.to_string(),
        need: "memory of the cpu".to_string(),
        got: "memory of another backend".to_string(),
    }
}

/// The elements of a tensor as they lie in the memory of a buffer.
pub(crate) fn host_bytes(host: &Tensor) -> &[u8] {
    match host.data() {
        Data::F32(items) => bytes(items),
        Data::F64(items) => bytes(items),
        Data::BF16(items) => bytes(items),
        Data::F16(items) => bytes(items),
        Data::I32(items) => bytes(items),
        Data::I64(items) => bytes(items),
        Data::U8(items) => items,
        Data::U32(items) => bytes(items),
        Data::Bool(items) => bytes_of_bools(items),
    }
}

/// Copies rows of `width` bytes, one after another.
fn copy_rows(from: &[u8], width: usize, rows: &[usize], to: &mut [u8]) {
    for (&row, to) in rows.iter().zip(to.chunks_exact_mut(width)) {
        to.copy_from_slice(&from[row * width..(row + 1) * width]);
    }
}

/// Copies memory into a tensor of the same number of bytes.
fn copy_out(memory: &[u8], host: &mut Tensor) {
    match host.data_mut() {
        Data::F32(items) => items.copy_from_slice(elements(memory)),
        Data::F64(items) => items.copy_from_slice(elements(memory)),
        Data::BF16(items) => items.copy_from_slice(elements(memory)),
        Data::F16(items) => items.copy_from_slice(elements(memory)),
        Data::I32(items) => items.copy_from_slice(elements(memory)),
        Data::I64(items) => items.copy_from_slice(elements(memory)),
        Data::U8(items) => items.copy_from_slice(memory),
        Data::U32(items) => items.copy_from_slice(elements(memory)),
        Data::Bool(items) => items.iter_mut().zip(memory).for_each(|(item, &byte)| *item = byte != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cornu_ir::testing::{CASES, agreement, conformance, random_graph, random_inputs, run};

    #[test]
    fn instruction_sets_have_names() {
        for isa in Isa::available() {
            assert_eq!(named(isa.name()), Ok(isa));
        }
        let error = named("mmx").unwrap_err().to_string();
        assert!(error.contains("it is `mmx`"), "{error}");
    }

    /// Every form that loops are compiled in, not only the one that this machine would choose.
    #[test]
    fn every_instruction_set_conforms() {
        for isa in Isa::available() {
            let cpu = Cpu { team: Arc::new(Team::new(1).unwrap()), isa };
            for (name, text) in CASES {
                conformance(text, &cpu).unwrap_or_else(|reasons| panic!("{}, {name}: {reasons}", isa.name()));
            }
            for seed in 1000..1100 {
                let graph = random_graph(seed);
                let inputs = random_inputs(&graph, None, seed);
                let outputs = run(&graph, &inputs, &cpu).unwrap();
                let agrees = agreement(&graph, &inputs, &outputs);
                agrees.unwrap_or_else(|reason| panic!("{}, seed {seed}: {reason}", isa.name()));
            }
        }
    }
}
