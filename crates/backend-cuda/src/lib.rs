//! Runs plans on NVIDIA GPUs. Nothing of CUDA is needed to build this crate, and nothing is loaded before a device
//! is asked for: on a machine without one, [`Cuda::new`] says what was looked for and where.

#![deny(unsafe_code)]

mod device;

use cornu_ir::backend::{Backend, Buffer, Executable};
use cornu_ir::error::BackendError;
use cornu_ir::plan::Plan;
use cornu_ir::{Tensor, Type};

/// The name users choose this backend by, and the first word of its errors.
const NAME: &str = "cuda";

/// One GPU.
#[derive(Debug)]
pub struct Cuda {
    /// No kernels are written yet, so no value of this type can exist.
    never: std::convert::Infallible,
}

impl Cuda {
    /// Opens the GPU with this number, counted from 0 in the driver's order (`CUDA_VISIBLE_DEVICES` applies).
    ///
    /// # Errors
    /// [`BackendError::NoDevice`] where the driver or the device is missing. Where it is there,
    /// [`BackendError::Unsupported`]: this backend has no kernels yet, and it is better to say so here than at the
    /// first step of a training run.
    pub fn new(ordinal: usize) -> Result<Cuda, BackendError> {
        find(ordinal)?;
        let what = format!("any step of a plan: device {ordinal} is there, but kernels are not written yet");
        Err(BackendError::Unsupported { backend: NAME, what })
    }

    /// The number of the GPU.
    pub fn ordinal(&self) -> usize {
        match self.never {}
    }
}

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        NAME
    }

    fn compile(&self, _: &Plan) -> Result<Box<dyn Executable>, BackendError> {
        match self.never {}
    }

    fn allocate(&self, _: &Type) -> Result<Buffer, BackendError> {
        match self.never {}
    }

    fn write(&self, _: &mut Buffer, _: &Tensor) -> Result<(), BackendError> {
        match self.never {}
    }

    fn read(&self, _: &Buffer, _: &mut Tensor) -> Result<(), BackendError> {
        match self.never {}
    }
}

/// Makes sure that the machine has a device of that number.
fn find(ordinal: usize) -> Result<(), BackendError> {
    let missing = |reason: String| Err(BackendError::NoDevice { backend: NAME, reason });
    match device::count() {
        Err(reason) => missing(reason),
        Ok(0) => {
            missing("the driver runs but sees no GPU; look at CUDA_VISIBLE_DEVICES and `nvidia-smi`".into())
        }
        Ok(count) if ordinal < count => Ok(()),
        Ok(1) => missing(format!("device {ordinal} was asked for; the only one here is device 0")),
        Ok(count) => missing(format!("device {ordinal} was asked for; there are devices 0 to {}", count - 1)),
    }
}
