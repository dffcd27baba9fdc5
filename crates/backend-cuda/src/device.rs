//! Finds the CUDA driver at run time. cudarc panics at its first call where the library is missing, so every use of
//! it has to come after [`find`] has answered.

use cornu_ir::error::BackendError;
use cudarc::driver::result::{self, DriverError};

use crate::NAME;

/// How many GPUs the driver shows to this process, or why that cannot be told.
fn count() -> Result<usize, String> {
    if !library_present() {
        return Err(format!(
            "the driver's library libcuda.so.1 was not found: not in LD_LIBRARY_PATH ({}), nor in the system's \
             library folders; it comes with NVIDIA's GPU driver",
            library_path(),
        ));
    }
    let failed = |call: &str, error: DriverError| {
        let words = error.error_string().map(|words| words.to_string_lossy().into_owned());
        format!(
            "the driver was found, but {call} failed: {}",
            words.unwrap_or_else(|_| format!("{:?}", error.0))
        )
    };
    result::init().map_err(|error| failed("cuInit", error))?;
    let count = result::device::get_count().map_err(|error| failed("cuDeviceGetCount", error))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn library_present() -> bool {
    // SAFETY: opening a library runs its initialisers. The names tried are those of NVIDIA's driver alone, found by
    // the system's own rules, and the driver's initialisers may run on any thread at any time.
    unsafe { cudarc::driver::sys::is_culib_present() }
}

/// `LD_LIBRARY_PATH` as a sentence shows it.
fn library_path() -> String {
    match std::env::var("LD_LIBRARY_PATH") {
        Ok(path) if !path.is_empty() => path,
        _ => "unset".to_string(),
    }
}

/// Makes sure that the machine has a device of that number.
pub(crate) fn find(ordinal: usize) -> Result<(), BackendError> {
    let missing = |reason: String| Err(BackendError::NoDevice { backend: NAME, reason });
    match count() {
        Err(reason) => missing(reason),
        Ok(0) => {
            missing("the driver runs but sees no GPU; look at CUDA_VISIBLE_DEVICES and `nvidia-smi`".into())
        }
        Ok(count) if ordinal < count => Ok(()),
        Ok(1) => missing(format!("device {ordinal} was asked for; the only one here is device 0")),
        Ok(count) => missing(format!("device {ordinal} was asked for; there are devices 0 to {}", count - 1)),
    }
}
