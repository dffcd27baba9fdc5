//! `Cuda`: the backend that users of this crate hold.

use std::sync::Arc;

use cornu_ir::backend::{Backend, Buffer, Executable, expect_type};
use cornu_ir::error::BackendError;
use cornu_ir::plan::Plan;
use cornu_ir::{Tensor, Type};

use crate::NAME;
use crate::compile::program;
use crate::device;
use crate::driver::Gpu;
use crate::error::foreign;
use crate::executable::Execution;
use crate::host;
use crate::launch::Work;
use crate::lower::lower;
use crate::memory::{DeviceMemory, Feed};
use crate::source::Source;

/// One GPU.
///
/// Nothing of CUDA is loaded before [`Cuda::new`]. A plan is compiled for this very GPU when it is first asked for and
/// kept on disk (in `$CORNU_CUDA_CACHE`, or `cornu/cuda` in the user's cache folder); its run is recorded once and
/// queued as a whole from then on. Runs return when they are queued: [`Backend::read`] waits for them.
pub struct Cuda {
    gpu: Arc<Gpu>,
    feed: Arc<Feed>,
}

impl Cuda {
    /// Opens the GPU with this number, counted from 0 in the driver's order (`CUDA_VISIBLE_DEVICES` applies).
    ///
    /// # Errors
    /// [`BackendError::NoDevice`] where the driver or the device is missing: what was looked for, and where.
    pub fn new(ordinal: usize) -> Result<Cuda, BackendError> {
        device::find(ordinal)?;
        let gpu = Gpu::open(ordinal)?;
        let feed = Feed::new(&gpu)?;
        Ok(Cuda { gpu: Arc::new(gpu), feed: Arc::new(feed) })
    }

    /// The number of the GPU.
    pub fn ordinal(&self) -> usize {
        self.gpu.ordinal()
    }

    /// The name that the driver knows the GPU by.
    ///
    /// # Errors
    /// What the driver says where it fails.
    pub fn device_name(&self) -> Result<String, BackendError> {
        self.gpu.name()
    }

    fn memory<'a>(&self, buffer: &'a Buffer, what: &str) -> Result<&'a DeviceMemory, BackendError> {
        let memory = buffer.memory::<DeviceMemory>().filter(|memory| Arc::ptr_eq(memory.gpu(), &self.gpu));
        memory.ok_or_else(|| foreign(what))
    }

    fn write_with(&self, buffer: &mut Buffer, fill: impl FnOnce(&mut [u8])) -> Result<(), BackendError> {
        let what = "the buffer to write";
        self.memory(buffer, what)?;
        let memory = buffer.memory_mut::<DeviceMemory>().ok_or_else(|| foreign(what))?;
        memory.write(&self.feed, fill)
    }
}

impl std::fmt::Debug for Cuda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cuda({})", self.ordinal())
    }
}

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        NAME
    }

    fn compile(&self, plan: &Plan) -> Result<Box<dyn Executable>, BackendError> {
        let mut source = Source::default();
        let lowered = lower(plan, &mut source, &self.gpu.architecture()?)?;
        let program = if source.names().len() > 0 {
            let module = program(&source.text(), &self.gpu)?;
            let shared = Work::shared_bytes(&lowered.works, source.names().len());
            let functions = source.names().zip(shared).map(|(name, shared)| module.function(name, shared));
            let functions = functions.collect::<Result<_, _>>()?;
            Some((module, functions))
        } else {
            None
        };
        Ok(Box::new(Execution::new(plan, lowered, program, &self.gpu, &self.feed)?))
    }

    fn workspace_bytes(&self, plan: &Plan) -> Result<u64, BackendError> {
        let lowered = lower(plan, &mut Source::default(), &self.gpu.architecture()?)?;
        let constants: usize = lowered.constants.iter().map(|constant| constant.ty().bytes()).sum();
        Ok((constants + lowered.arena_bytes.saturating_sub(plan.arena_bytes)) as u64)
    }

    fn allocate(&self, ty: &Type) -> Result<Buffer, BackendError> {
        Ok(Buffer::new(ty.clone(), DeviceMemory::zeroed(&self.gpu, ty.bytes())?))
    }

    fn write(&self, buffer: &mut Buffer, host: &Tensor) -> Result<(), BackendError> {
        expect_type(NAME, "the buffer to write", buffer.ty(), &host.ty())?;
        self.write_with(buffer, |to| to.copy_from_slice(host::bytes(host)))
    }

    fn write_rows(&self, buffer: &mut Buffer, host: &Tensor, rows: &[usize]) -> Result<(), BackendError> {
        let ty = Type { shape: host.shape().with(0, rows.len()), ..host.ty() };
        expect_type(NAME, "the buffer to write", buffer.ty(), &ty)?;
        let (from, width) = (host::bytes(host), ty.bytes().checked_div(rows.len()).unwrap_or(0));
        self.write_with(buffer, |to| {
            for (&row, to) in rows.iter().zip(to.chunks_exact_mut(width.max(1))) {
                to.copy_from_slice(&from[row * width..(row + 1) * width]);
            }
        })
    }

    fn read(&self, buffer: &Buffer, host: &mut Tensor) -> Result<(), BackendError> {
        expect_type(NAME, "the buffer to read", buffer.ty(), &host.ty())?;
        let memory = self.memory(buffer, "the buffer to read")?;
        host::overwrite(host, |bytes| memory.read(bytes))
    }
}
