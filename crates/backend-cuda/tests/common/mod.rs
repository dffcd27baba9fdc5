//! The GPU that tests run on: a real one, or what stands in for it.

use std::sync::OnceLock;

use cornu_backend_cuda::Cuda;
use cornu_cuda_emulator::Emulator;

/// A GPU, and what it is if it is none.
struct Device {
    cuda: Cuda,
    emulator: Option<&'static Emulator>,
}

/// The first GPU, or the emulator, or nothing where neither can be had; then it says why, loudly.
///
/// CORNU_REQUIRE_GPU: only a GPU will do. CORNU_EMULATOR: the emulator, though there may be a GPU.
fn device() -> Option<&'static Device> {
    static DEVICE: OnceLock<Option<Device>> = OnceLock::new();
    let open = || {
        if std::env::var_os("CORNU_EMULATOR").is_none() {
            match Cuda::new(0) {
                Ok(cuda) => return Some(Device { cuda, emulator: None }),
                Err(missing) => assert!(std::env::var_os("CORNU_REQUIRE_GPU").is_none(), "{missing}"),
            }
        }
        let emulator = Emulator::start_or_skip()?;
        Some(Device { cuda: Cuda::new(0).expect("the emulator has a device"), emulator: Some(emulator) })
    };
    DEVICE.get_or_init(open).as_ref()
}

/// The GPU that tests run on.
pub(crate) fn gpu() -> Option<&'static Cuda> {
    device().map(|device| &device.cuda)
}

/// The emulator, if tests run on it: what only it can show is not tried on a GPU.
#[allow(dead_code)]
pub(crate) fn emulator() -> Option<&'static Emulator> {
    device().and_then(|device| device.emulator)
}
