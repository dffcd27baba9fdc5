//! Builds the stand-in libraries with the machine's g++, once a machine: they are kept in a folder named by the hash
//! of all that they are made from.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Missing;

/// The file and the SONAME of the driver: the first name that cudarc tries for it.
pub(crate) const DRIVER: &str = "libcuda.so";
/// The file and the SONAME of the compiler, likewise.
pub(crate) const NVRTC: &str = "libnvrtc.so";

macro_rules! texts {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../", $folder, "/", $name)))),*]
    };
}

/// What kernels are compiled behind.
const HEADERS: &[(&str, &str)] = texts!("include":
    "async_copy.h" "atomics.h" "barrier.h" "bits.h" "cuda_emulator.h" "device_math.h" "kernel.h" "language.h"
    "runtime.h" "tensor_core.h" "vector_types.h" "warp.h");
const DRIVER_SOURCES: &[(&str, &str)] = texts!("driver":
    "async_copies.cpp" "barriers.cpp" "cuda_types.h" "device.cpp" "fibers.cpp" "fibers.h" "graph.cpp" "launch.cpp"
    "memory.cpp" "module.cpp" "own_folder.h" "scheduler.cpp" "scheduler.h" "shared_variables.cpp"
    "shared_variables.h" "state.cpp" "state.h" "stream.cpp" "tensor_map.cpp");
const NVRTC_SOURCES: &[(&str, &str)] = texts!("driver":
    "kernel_names.cpp" "kernel_names.h" "nvrtc.cpp" "own_folder.h");

/// Which checks the compiler adds to the libraries and to the kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sanitizer {
    None,
    Address,
}

impl Sanitizer {
    pub(crate) fn from_environment() -> Self {
        match std::env::var("CORNU_EMULATOR_SANITIZE") {
            Ok(name) if name == "address" => Self::Address,
            _ => Self::None,
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Address => &["-g1", "-fsanitize=address"],
        }
    }
}

/// The folder with both libraries, built unless it is there.
pub(crate) fn build() -> Result<PathBuf, Missing> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Missing(format!(
            "the CUDA emulator switches stacks on Linux and x86-64 only; this is {} on {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        )));
    }
    let compiler = compiler();
    let version = ask(&compiler, &["--version"])?;
    let sanitizer = Sanitizer::from_environment();
    let root = cache_folder();
    let folder = root.join(key(&compiler, &version, sanitizer));
    build_in(&root, &folder, &compiler, sanitizer)?;
    Ok(folder)
}

/// AddressSanitizer's run time, which has to be the first library of a process.
pub(crate) fn sanitizer_library() -> Result<PathBuf, Missing> {
    let path = PathBuf::from(ask(&compiler(), &["-print-file-name=libasan.so"])?.trim());
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(Missing(
            "AddressSanitizer's library libasan.so was not found beside the compiler; on Debian it comes with g++"
                .to_string(),
        ))
    }
}

fn compiler() -> String {
    std::env::var("CORNU_EMULATOR_CXX").unwrap_or_else(|_| "g++".to_string())
}

/// What the compiler prints.
fn ask(compiler: &str, arguments: &[&str]) -> Result<String, Missing> {
    let missing = |reason: String| {
        Missing(format!(
            "the CUDA emulator needs a C++ compiler, and {compiler} {reason}; install g++ (Debian: apt install g++) \
             or name one in CORNU_EMULATOR_CXX"
        ))
    };
    let output = Command::new(compiler)
        .args(arguments)
        .output()
        .map_err(|error| missing(format!("does not start: {error}")))?;
    if !output.status.success() {
        return Err(missing(format!("failed: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A folder of this user alone: what lies there is loaded into the process.
fn cache_folder() -> PathBuf {
    let user = fs::metadata("/proc/self").map(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid()
    });
    std::env::temp_dir().join(format!("cornu-cuda-emulator-{}", user.unwrap_or(0)))
}

fn key(compiler: &str, version: &str, sanitizer: Sanitizer) -> String {
    let mut hasher = DefaultHasher::new();
    (compiler, version, sanitizer, HEADERS, DRIVER_SOURCES, NVRTC_SOURCES).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Builds into `folder` under a lock, in a folder beside it that is renamed when all is there.
fn build_in(root: &Path, folder: &Path, compiler: &str, sanitizer: Sanitizer) -> Result<(), Missing> {
    let failed = |error: io::Error| {
        Missing(format!("the CUDA emulator cannot be built in {}: {error}", root.display()))
    };
    fs::create_dir_all(root).map_err(failed)?;
    let lock = File::create(root.join("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if folder.is_dir() {
        return Ok(());
    }
    let unfinished = root.join(format!("unfinished-{}", std::process::id()));
    write_sources(&unfinished).map_err(failed)?;
    compile(&unfinished, compiler, sanitizer, DRIVER, DRIVER_SOURCES)?;
    compile(&unfinished, compiler, sanitizer, NVRTC, NVRTC_SOURCES)?;
    fs::rename(&unfinished, folder).map_err(failed)
}

fn write_sources(folder: &Path) -> io::Result<()> {
    for (name, texts) in [("include", HEADERS), ("driver", DRIVER_SOURCES), ("driver", NVRTC_SOURCES)] {
        fs::create_dir_all(folder.join(name))?;
        for (file, text) in texts {
            fs::write(folder.join(name).join(file), text)?;
        }
    }
    fs::create_dir_all(folder.join("images"))
}

fn compile(
    folder: &Path,
    compiler: &str,
    sanitizer: Sanitizer,
    library: &str,
    sources: &[(&str, &str)],
) -> Result<(), Missing> {
    let output = Command::new(compiler)
        .current_dir(folder)
        .args(["-std=c++17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Iinclude"])
        .args(sanitizer.flags())
        .arg(format!("-DEMULATOR_COMPILER=\"{compiler}\""))
        .arg(format!("-Wl,-soname,{library}"))
        .args(["-o", library])
        .args(
            sources
                .iter()
                .filter(|(name, _)| name.ends_with(".cpp"))
                .map(|(name, _)| format!("driver/{name}")),
        )
        .args(["-lm", "-ldl"])
        .output()
        .map_err(|error| Missing(format!("{compiler} does not start: {error}")))?;
    if output.status.success() {
        Ok(())
    } else {
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Missing(format!("{compiler} cannot build the emulator's {library}:\n{reason}")))
    }
}
