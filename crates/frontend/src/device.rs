//! Device: where a model runs. The only file that names a backend.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use cornu_ir::backend::Backend;
use cornu_ir::error::BackendError;

use crate::error::{Error, Result};

/// A place where models run. In text: `cpu`, `cuda`, `cuda:1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// All cores of this machine, or as many as `CORNU_THREADS` says, with the best instruction set there is, or the
    /// one that `CORNU_CPU` names: `avx512`, `avx2`, `portable`.
    Cpu,
    /// The CUDA GPU of this number.
    Cuda(usize),
}

thread_local! {
    /// What [`set_device`] said.
    static CHOSEN: Cell<Option<Device>> = const { Cell::new(None) };
}

/// Sets the device that models made from now on by this thread run on. Keras: `keras.device`, where it is a scope.
///
/// ```
/// cornu::set_device(cornu::Device::Cpu);
/// ```
pub fn set_device(device: Device) {
    CHOSEN.set(Some(device));
}

impl Device {
    /// Where models made by this thread run: what [`set_device`] said, or what the environment variable `CORNU_BACKEND`
    /// says, or else the GPU if the feature `cuda` is on, and the CPU if it is not.
    ///
    /// # Errors
    /// When `CORNU_BACKEND` names no device.
    pub fn current() -> Result<Device> {
        if let Some(device) = CHOSEN.get() {
            return Ok(device);
        }
        match std::env::var("CORNU_BACKEND") {
            Ok(text) if !text.is_empty() => text.parse(),
            _ => Ok(if cfg!(feature = "cuda") { Device::Cuda(0) } else { Device::Cpu }),
        }
    }

    /// The backend for this device, or a clear word why there is none.
    pub(crate) fn backend(self) -> Result<Arc<dyn Backend>> {
        match self {
            Device::Cpu => cpu(),
            Device::Cuda(number) => cuda(number),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(0) => f.write_str("cuda"),
            Device::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Device> {
        let device = match text.split_once(':') {
            None if text == "cpu" => Some(Device::Cpu),
            None if text == "cuda" => Some(Device::Cuda(0)),
            Some(("cuda", number)) => number.parse().ok().map(Device::Cuda),
            None | Some(_) => None,
        };
        device.ok_or_else(|| Error::Unknown {
            what: "device",
            given: text.to_string(),
            nearest: None,
            known: ["cpu", "cuda", "cuda:1"].map(String::from).to_vec(),
        })
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
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    use cornu_backend_cuda::Cuda;

    /// Each GPU is opened once: its models may share memory.
    static OPENED: Mutex<BTreeMap<usize, Arc<Cuda>>> = Mutex::new(BTreeMap::new());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = opened.get(&number) {
        return Ok(known.clone());
    }
    let cuda = Arc::new(Cuda::new(number)?);
    opened.insert(number, cuda.clone());
    Ok(cuda)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_written_and_read() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(3)] {
            assert_eq!(device.to_string().parse::<Device>().expect("just written"), device);
        }
        for wrong in ["gpu", "cuda:", "cuda:x", "cpu:0"] {
            let error = wrong.parse::<Device>().expect_err("no such device").to_string();
            assert!(error.contains(&format!("`{wrong}` is no device")), "{error}");
        }
    }

    #[test]
    fn a_thread_chooses_for_itself() {
        set_device(Device::Cuda(7));
        assert_eq!(Device::current().expect("chosen"), Device::Cuda(7));
        let elsewhere = std::thread::spawn(|| Device::current().expect("no variable is set")).join();
        assert_ne!(elsewhere.expect("no panic"), Device::Cuda(7));
    }
}
