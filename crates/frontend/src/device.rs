//! Device: where a model runs. The only file that names a backend.

use std::sync::Arc;

use cornu_ir::backend::Backend;
use cornu_ir::error::BackendError;

use crate::error::Result;

/// A place where models run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// All cores of this machine, or as many as `CORNU_THREADS` says, with the best instruction set there is, or the
    /// one that `CORNU_CPU` names: `avx512`, `avx2`, `portable`.
    Cpu,
    /// The CUDA GPU of this number.
    Cuda(usize),
}

impl Default for Device {
    /// What `CORNU_BACKEND` names (`cpu`, `cuda`, `cuda:1`); without it the first backend that is compiled in.
    fn default() -> Device {
        match std::env::var("CORNU_BACKEND")
            .ok()
            .as_deref()
            .map(|name| name.split_once(':').unwrap_or((name, "0")))
        {
            Some(("cuda", number)) => Device::Cuda(number.parse().unwrap_or(0)),
            _ if cfg!(feature = "cpu") => Device::Cpu,
            _ => Device::Cuda(0),
        }
    }
}

impl Device {
    /// The backend for this device, or a clear word why there is none.
    pub(crate) fn backend(self) -> Result<Arc<dyn Backend>> {
        match self {
            Device::Cpu => cpu(),
            Device::Cuda(number) => cuda(number),
        }
    }
}

#[cfg(feature = "cpu")]
fn cpu() -> Result<Arc<dyn Backend>> {
    /// One set of threads serves every model of the process.
    static CPU: std::sync::LazyLock<std::result::Result<Arc<dyn Backend>, BackendError>> =
        std::sync::LazyLock::new(|| Ok(Arc::new(cornu_backend_cpu::Cpu::new()?)));
    Ok(CPU.clone()?)
}

#[cfg(not(feature = "cpu"))]
fn cpu() -> Result<Arc<dyn Backend>> {
    Err(not_compiled_in("cpu").into())
}

#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<Arc<dyn Backend>> {
    Ok(Arc::new(cornu_backend_cuda::Cuda::new(number)?))
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Arc<dyn Backend>> {
    Err(not_compiled_in("cuda").into())
}

#[allow(dead_code)]
fn not_compiled_in(backend: &'static str) -> BackendError {
    let reason = format!("this program was built without it; build with `--features {backend}`");
    BackendError::NoDevice { backend, reason }
}
