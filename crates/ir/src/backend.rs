//! The boundary: what a backend is. The interface is data (a [`Plan`]), not a method for each op.

use std::any::Any;
use std::time::Duration;

use crate::error::BackendError;
use crate::plan::Plan;
use crate::tensor::Tensor;
use crate::types::Type;

/// A place where plans run: the CPU, one GPU.
pub trait Backend: Send + Sync {
    /// The short name users choose it by: `cpu`.
    fn name(&self) -> &'static str;

    /// Makes a plan ready to run.
    fn compile(&self, plan: &Plan) -> Result<Box<dyn Executable>, BackendError>;

    /// Bytes that a plan takes once it is compiled, beside its arguments and its arena: constants, and what threads
    /// work in.
    fn workspace_bytes(&self, plan: &Plan) -> Result<u64, BackendError> {
        Ok(plan.constants.iter().map(|constant| constant.ty().bytes() as u64).sum())
    }

    /// What the device can do at most, measured now; `None` from one that cannot say.
    fn limits(&self) -> Option<Limits> {
        None
    }

    /// Memory on the device, filled with zeros.
    fn allocate(&self, ty: &Type) -> Result<Buffer, BackendError>;

    /// Overwrites a buffer with a host tensor of the same type.
    fn write(&self, buffer: &mut Buffer, host: &Tensor) -> Result<(), BackendError>;

    /// Overwrites a buffer with rows of a host tensor, those with these numbers, in this order: a batch of samples.
    ///
    /// # Panics
    /// When the tensor has no such row.
    fn write_rows(&self, buffer: &mut Buffer, host: &Tensor, rows: &[usize]) -> Result<(), BackendError> {
        self.write(buffer, &host.rows(rows))
    }

    /// Overwrites a host tensor with a buffer of the same type, after all work on it is done.
    fn read(&self, buffer: &Buffer, host: &mut Tensor) -> Result<(), BackendError>;

    /// A new buffer with the contents of a host tensor.
    fn upload(&self, host: &Tensor) -> Result<Buffer, BackendError> {
        let mut buffer = self.allocate(&host.ty())?;
        self.write(&mut buffer, host)?;
        Ok(buffer)
    }

    /// A new host tensor with the contents of a buffer.
    fn download(&self, buffer: &Buffer) -> Result<Tensor, BackendError> {
        let mut host = Tensor::zeros(buffer.ty());
        self.read(buffer, &mut host)?;
        Ok(host)
    }
}

/// What a device can do at most: with it, a speed can be read as a share of what is possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Operations on f32 a second, on one core; a fused multiply-add counts as two. Measured on registers alone.
    pub flops_of_one_core: f64,
    /// The same on all threads at once.
    pub flops: f64,
    /// Bytes read and written a second by `a = b + s·c` on all threads, over arrays that fit in no cache.
    pub bytes_per_second: f64,
}

/// A compiled plan with its own scratch memory.
pub trait Executable: Send {
    /// Runs the plan once: replaces `state` by its next values, reads `inputs`, overwrites `outputs`.
    ///
    /// The buffers have the types of [`Plan::inputs`] and [`Plan::outputs`]: `state` the first [`Plan::state`] of
    /// both, `inputs` and `outputs` the rest. Nothing is allocated.
    fn run(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<(), BackendError>;

    /// As [`Executable::run`], and says how long each of [`Plan::steps`] took; nothing where the steps cannot be told
    /// apart.
    fn profile(
        &mut self,
        state: &mut [Buffer],
        inputs: &[&Buffer],
        outputs: &mut [Buffer],
    ) -> Result<Vec<Duration>, BackendError> {
        self.run(state, inputs, outputs)?;
        Ok(Vec::new())
    }
}

/// Memory of one type on a device.
pub struct Buffer {
    ty: Type,
    memory: Box<dyn Any + Send + Sync>,
}

impl Buffer {
    /// A buffer over a backend's own kind of memory.
    pub fn new(ty: Type, memory: impl Any + Send + Sync) -> Buffer {
        Buffer { ty, memory: Box::new(memory) }
    }

    /// What it holds.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The memory, if it is of the kind `M`.
    pub fn memory<M: Any>(&self) -> Option<&M> {
        self.memory.downcast_ref()
    }

    /// The memory, to be written, if it is of the kind `M`.
    pub fn memory_mut<M: Any>(&mut self) -> Option<&mut M> {
        self.memory.downcast_mut()
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({})", self.ty)
    }
}

/// Makes sure that something has the type it needs; `what` names it in the error of the backend.
pub fn expect_type(backend: &'static str, what: &str, got: &Type, need: &Type) -> Result<(), BackendError> {
    if got == need {
        return Ok(());
    }
    let (need, got) = (need.to_string(), got.to_string());
    Err(BackendError::Buffer { backend, what: what.to_string(), need, got })
}

/// Makes sure that there are as many buffers as types, each of its type; `what` names one of them. Where all is well
/// nothing is allocated.
pub fn expect_types<'b>(
    backend: &'static str,
    what: &str,
    buffers: impl ExactSizeIterator<Item = &'b Buffer>,
    types: &[Type],
) -> Result<(), BackendError> {
    if buffers.len() != types.len() {
        let what = format!("the number of {what} buffers");
        let (need, got) = (types.len().to_string(), buffers.len().to_string());
        return Err(BackendError::Buffer { backend, what, need, got });
    }
    for (index, (buffer, ty)) in buffers.zip(types).enumerate() {
        if buffer.ty() != ty {
            expect_type(backend, &format!("{what} {index}"), buffer.ty(), ty)?;
        }
    }
    Ok(())
}
