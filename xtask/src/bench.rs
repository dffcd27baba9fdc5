//! Starts the benchmarks: builds what they measure with optimisation, then hands over to the package in `benches/`.

use std::process::Command;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, peers};

/// Sets the peers up if that is asked for; else builds the command and the benches, and runs the benches with `args`.
pub(crate) fn measure(args: &[String]) -> Outcome {
    if args.iter().any(|arg| arg == "--setup-peers") {
        peers::set_up();
        return Ok(());
    }
    let place = args.iter().position(|arg| arg == "--backend");
    let backend = place.and_then(|place| args.get(place + 1));
    let mut build =
        cargo(["build", "--release", "--quiet", "--package", "cornu-cli", "--package", "cornu-bench"]);
    if backend.is_some_and(|backend| backend.contains("cuda")) {
        build.args(["--features", "cornu/cuda"]);
    }
    run(&mut build)?;
    let bench = target_folder().join("release").join(format!("cornu-bench{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(bench);
    command.args(args).env("CORNU_TARGET", target_folder());
    // Every model asks this variable for its device: a profile is that of the first. Contestants are told theirs.
    let first = backend.and_then(|backend| backend.split(',').next());
    command.envs(first.map(|backend| ("CORNU_BACKEND", backend)));
    run(&mut command)
}
