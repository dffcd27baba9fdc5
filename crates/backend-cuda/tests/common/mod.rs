//! The GPU that tests run on: a real one, or what stands in for it.

use std::sync::OnceLock;

use cornu_backend_cuda::Cuda;
use cornu_cuda_emulator::Emulator;

/// The first GPU, or the emulator, or nothing where neither can be had; then it says why, loudly. Where
/// CORNU_REQUIRE_GPU is set, only a GPU will do.
pub(crate) fn gpu() -> Option<&'static Cuda> {
    static GPU: OnceLock<Option<Cuda>> = OnceLock::new();
    let open = || {
        if !is_emulated() {
            match Cuda::new(0) {
                Ok(cuda) => return Some(cuda),
                Err(missing) => assert!(std::env::var_os("CORNU_REQUIRE_GPU").is_none(), "{missing}"),
            }
        }
        Emulator::start_or_skip()?;
        Some(Cuda::new(0).expect("the emulator has a device"))
    };
    GPU.get_or_init(open).as_ref()
}

/// True if the emulator is wanted though there may be a GPU.
fn is_emulated() -> bool {
    std::env::var_os("CORNU_EMULATOR").is_some()
}
