//! Starts the benchmarks: builds what they measure with optimisation, then hands over to the package in `benches/`.

use crate::Outcome;
use crate::process::{cargo, run, target_folder};

/// Builds the command and the benches, and runs the benches with `args`.
pub(crate) fn measure(args: &[String]) -> Outcome {
    run(&mut cargo(["build", "--release", "--quiet", "--package", "cornu-cli", "--package", "cornu-bench"]))?;
    let bench = target_folder().join("release").join(format!("cornu-bench{}", std::env::consts::EXE_SUFFIX));
    run(std::process::Command::new(bench).args(args).env("CORNU_TARGET", target_folder()))
}
