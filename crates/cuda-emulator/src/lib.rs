//! Runs Cornu's CUDA backend, unmodified, on a machine with neither a GPU nor CUDA. For tests.
//!
//! Two stand-in libraries are built from the C++ in this crate by the machine's g++ and loaded under the names by
//! which the backend looks for the real ones:
//!
//! - the **driver** (`libcuda.so`): device memory is memory of the host, launches run on this thread, one CUDA
//!   thread a fiber, blocks one after another. It holds launches and copies against a device's limits and counts its
//!   calls;
//! - **NVRTC** (`libnvrtc.so`): compiles a `.cu` text as C++ behind the headers in `include/`.
//!
//! ```no_run
//! match cornu_cuda_emulator::Emulator::start() {
//!     Ok(emulator) => println!("the driver was called {} times", emulator.calls("cuLaunchKernel")),
//!     Err(missing) => eprintln!("skipped: {missing}"),
//! }
//! ```
//!
//! It runs under these variables of the environment, read at each launch or compilation:
//!
//! | variable | meaning |
//! | --- | --- |
//! | `CORNU_EMULATOR_ARCH` | compute capability of the device: `7.5`, `8.0`, else 9.0 |
//! | `CORNU_EMULATOR_SEED` | order of blocks, warps and lanes; 0 or unset: upwards |
//! | `CORNU_EMULATOR_LATE` | `1`: work of a stream is done when somebody waits for it, as late as a device may be |
//! | `CORNU_EMULATOR_SANITIZE` | `address`: all is built with AddressSanitizer; see [`Emulator::sanitized_command`] |
//! | `CORNU_EMULATOR_CXX` | the compiler, `g++` where unset |
//! | `CORNU_REQUIRE_EMULATOR` | `1`: [`Emulator::start_or_skip`] fails where it would skip |
//!
//! What it finds: wrong results, also those that come from a missing barrier or a missing wait for an asynchronous
//! copy; barriers and warp operations that some thread never reaches; a host or a stream that does not wait for
//! another (where work is late); accesses out of bounds (with AddressSanitizer). What it cannot find: missing fences
//! and `__syncwarp`, data races that no order of warps brings out, and whatever concerns speed or the bits of fast
//! mathematics.

mod build;
mod libraries;

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use libraries::Libraries;

/// The loaded stand-ins. There is one for the whole process, for ever.
#[derive(Debug)]
pub struct Emulator {
    libraries: Libraries,
}

/// Why there is no emulator here: what is missing, and how to get it.
#[derive(Debug, Clone)]
pub struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

static EMULATOR: OnceLock<Result<Emulator, Missing>> = OnceLock::new();

impl Emulator {
    /// Builds and loads the two libraries, once a process. To be called before anything looks for CUDA.
    pub fn start() -> Result<&'static Self, Missing> {
        EMULATOR.get_or_init(Self::load).as_ref().map_err(Clone::clone)
    }

    /// [`start`](Self::start) for a test: where something is missing it says so on stderr and gives nothing, so that
    /// the test ends there.
    ///
    /// # Panics
    ///
    /// Where something is missing and `CORNU_REQUIRE_EMULATOR` is 1: a CI run must not skip by mistake.
    pub fn start_or_skip() -> Option<&'static Self> {
        match Self::start() {
            Ok(emulator) => Some(emulator),
            Err(missing) if std::env::var("CORNU_REQUIRE_EMULATOR").is_ok_and(|value| value == "1") => {
                panic!("CORNU_REQUIRE_EMULATOR is 1, but {missing}")
            }
            Err(missing) => {
                eprintln!("SKIPPED, not tested: {missing}");
                None
            }
        }
    }

    fn load() -> Result<Self, Missing> {
        let folder = build::build()?;
        let libraries = Libraries::load(&folder).map_err(|error| {
            Missing(format!("the stand-in CUDA libraries in {} do not load: {error}", folder.display()))
        })?;
        Ok(Self { libraries })
    }

    /// How often the driver's function `name` (`"cuGraphLaunch"`) was called since the last
    /// [`reset_calls`](Self::reset_calls). What a graph does when it is replayed counts as the launch of the graph
    /// alone.
    pub fn calls(&self, name: &str) -> u64 {
        self.libraries.count(name)
    }

    /// Counts all calls from zero again.
    pub fn reset_calls(&self) {
        self.libraries.reset_counts();
    }

    /// Makes the device usable again after a kernel that failed. On a GPU only a new process does that.
    pub fn recover(&self) {
        self.libraries.recover();
    }

    /// Whether this process runs with AddressSanitizer.
    pub fn is_sanitized() -> bool {
        build::Sanitizer::from_environment() == build::Sanitizer::Address
    }

    /// A command that runs `program`, a test binary of this emulator's users, under AddressSanitizer: an access out
    /// of bounds of an allocation or of a shared array ends it with a report that names the line of the `.cu` text.
    pub fn sanitized_command(program: &Path) -> Result<Command, Missing> {
        let mut command = Command::new(program);
        command
            .env("CORNU_EMULATOR_SANITIZE", "address")
            .env("LD_PRELOAD", build::sanitizer_library()?)
            .env("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0");
        Ok(command)
    }
}
