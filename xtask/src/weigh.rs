//! Weighs what users build: how long a first release build takes, and how large a program becomes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, root};

/// The program that is weighed: an example of the package `cornu`, with its default features.
const EXAMPLE: &str = "quickstart";

/// Builds in a folder of its own, from nothing, and writes `docs/build.md`. Sources are fetched before, for the network
/// is not what is weighed.
pub(crate) fn all() -> Outcome {
    let folder = target_folder().join("weigh");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    run(&mut cargo(["fetch", "--locked"]))?;
    let library = seconds(&folder, &["build", "--release", "--locked", "--package", "cornu", "--timings"])?;
    let example = ["build", "--release", "--locked", "--package", "cornu", "--example", EXAMPLE];
    seconds(&folder, &example)?;
    let program = folder.join("release/examples").join(format!("{EXAMPLE}{}", std::env::consts::EXE_SUFFIX));
    let bytes = fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?.len();
    let text = page(library, bytes, &libraries(&program));
    eprint!("{text}");
    eprintln!("\nwhat took how long: {}", folder.join("cargo-timings/cargo-timing.html").display());
    let path = root().join("docs/build.md");
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// How long a build takes.
fn seconds(folder: &Path, args: &[&str]) -> Result<f64, String> {
    let begun = Instant::now();
    run(cargo(args.iter().copied()).env("CARGO_TARGET_DIR", folder))?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The shared libraries that a program needs, where a tool tells.
fn libraries(program: &Path) -> Vec<String> {
    let output = Command::new("ldd").arg(program).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_string())).collect()
}

fn page(seconds: f64, bytes: u64, libraries: &[String]) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let libraries = libraries.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    format!(
        "# Build\n\n<!-- Written by `cargo xtask weigh`; do not edit. -->\n\n\
         - A first release build of `cornu` with its default features: {seconds:.0} s on {cores} cores.\n\
         - The program of the example `{EXAMPLE}`: {:.1} MB. It needs {libraries}.\n",
        bytes as f64 / 1e6,
    )
}
