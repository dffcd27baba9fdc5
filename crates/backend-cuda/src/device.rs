//! Finds the CUDA driver at run time. cudarc panics at its first call where the library is missing, so every use of
//! it has to come after [`count`] has answered.

/// How many GPUs the driver shows to this process, or why that cannot be told.
#[cfg(target_os = "linux")]
pub(crate) fn count() -> Result<usize, String> {
    use cudarc::driver::result::{self, DriverError};

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

/// How many GPUs the driver shows to this process: they are looked for on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn count() -> Result<usize, String> {
    Err(format!("GPUs are used on Linux only; this is {}", std::env::consts::OS))
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn library_present() -> bool {
    // SAFETY: opening a library runs its initialisers. The names tried are those of NVIDIA's driver alone, found by
    // the system's own rules, and the driver's initialisers may run on any thread at any time.
    unsafe { cudarc::driver::sys::is_culib_present() }
}

/// `LD_LIBRARY_PATH` as a sentence shows it.
#[cfg(target_os = "linux")]
fn library_path() -> String {
    match std::env::var("LD_LIBRARY_PATH") {
        Ok(path) if !path.is_empty() => path,
        _ => "unset".to_string(),
    }
}
