//! Loads the stand-in libraries so that whoever looks for CUDA in this process finds them, and calls their own
//! functions.

use std::ffi::{CString, c_char, c_ulong};
use std::mem::ManuallyDrop;
use std::path::Path;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW, Symbol};

use crate::build::{DRIVER, NVRTC};

type Count = unsafe extern "C" fn(*const c_char) -> c_ulong;
type Action = unsafe extern "C" fn();

/// Both libraries, never closed: the loader answers a later search by name with what is loaded under that name.
#[derive(Debug)]
pub(crate) struct Libraries {
    count: Symbol<Count>,
    reset: Symbol<Action>,
    recover: Symbol<Action>,
    _driver: ManuallyDrop<Library>,
    _nvrtc: ManuallyDrop<Library>,
}

impl Libraries {
    /// Opens what [`crate::build::build`] made in `folder`.
    pub(crate) fn load(folder: &Path) -> Result<Self, libloading::Error> {
        let open = |name: &str| {
            // SAFETY: the library's initialisers are those of this crate's C++, which build containers and nothing
            // else. It is global, since images of kernels look for the emulator's functions among all that is global.
            unsafe { Library::open(Some(folder.join(name)), RTLD_NOW | RTLD_GLOBAL) }.map(ManuallyDrop::new)
        };
        let driver = open(DRIVER)?;
        let nvrtc = open(NVRTC)?;
        // SAFETY: the three functions have these types in driver/state.cpp, and the library is never closed, so that
        // the symbols stay valid without borrowing it.
        let (count, reset, recover) = unsafe {
            (
                driver.get(b"cornu_emulator_count\0")?,
                driver.get(b"cornu_emulator_reset_counts\0")?,
                driver.get(b"cornu_emulator_recover\0")?,
            )
        };
        Ok(Self { count, reset, recover, _driver: driver, _nvrtc: nvrtc })
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        let Ok(name) = CString::new(name) else { return 0 };
        // SAFETY: the function reads a text that ends with a zero, under the driver's lock.
        unsafe { (self.count)(name.as_ptr()) }
    }

    pub(crate) fn reset_counts(&self) {
        // SAFETY: the function takes nothing and works under the driver's lock.
        unsafe { (self.reset)() }
    }

    pub(crate) fn recover(&self) {
        // SAFETY: the function takes nothing and works under the driver's lock.
        unsafe { (self.recover)() }
    }
}
