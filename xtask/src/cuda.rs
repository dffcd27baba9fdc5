//! What the CUDA backend is held against on a machine without a GPU, beside the tests of its package: its kernels
//! compiled by NVIDIA's own compiler for each architecture, and whole models in the emulator.

use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;
use crate::process::{cargo, run, target_folder};

/// NVIDIA's compiler of kernels, as Python's package index has it; it needs no driver.
const NVRTC: &str = "nvidia-cuda-nvrtc==13.0.88";

/// Both checks. Without NVRTC the first is left out, and says so.
pub(crate) fn without_gpu() -> Outcome {
    match nvrtc() {
        Ok(folder) => {
            let test =
                ["test", "--locked", "--package", "cornu-backend-cuda", "--lib", "for_every_architecture"];
            run(cargo(test).env("LD_LIBRARY_PATH", folder).env("CORNU_REQUIRE_NVRTC", "1"))?;
        }
        Err(reason) => eprintln!("SKIPPED: no kernel is compiled for a GPU: {reason}"),
    }
    run(&mut cargo(["test", "--locked", "--package", "cornu", "--features", "cuda", "--test", "cuda"]))
}

/// The folder with NVRTC's libraries, which are fetched if they are not there.
pub(crate) fn nvrtc() -> Result<PathBuf, String> {
    let home = target_folder().join("nvrtc");
    let folder = home.join("nvidia/cu13/lib");
    if !folder.join("libnvrtc.so.13").exists() {
        run(Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"])
            .arg(&home)
            .arg(NVRTC))?;
    }
    Ok(folder)
}
