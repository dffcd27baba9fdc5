//! Starts the benchmarks: builds what they measure with optimisation, then hands over to the package in `benches/`.

use std::process::Command;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, python};

/// Sets the peers up if that is asked for, builds the command and the benches, and runs the benches with `args`.
pub(crate) fn measure(args: &[String]) -> Outcome {
    if args.iter().any(|arg| arg == "--setup-peers") {
        set_up_peers()?;
    }
    let place = args.iter().position(|arg| arg == "--backend");
    let backend = place.and_then(|place| args.get(place + 1));
    let mut build =
        cargo(["build", "--release", "--quiet", "--package", "cornu-cli", "--package", "cornu-bench"]);
    if backend.is_some_and(|backend| backend.starts_with("cuda")) {
        build.args(["--features", "cornu/cuda"]);
    }
    run(&mut build)?;
    let bench = target_folder().join("release").join(format!("cornu-bench{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(bench);
    command.args(args.iter().filter(|arg| *arg != "--setup-peers")).env("CORNU_TARGET", target_folder());
    // Every model asks this variable for its device, those of the `cornu` command too.
    command.envs(backend.map(|backend| ("CORNU_BACKEND", backend)));
    run(&mut command)
}

/// Keras with JAX, and with TensorFlow where that can be had.
fn set_up_peers() -> Outcome {
    let python = python::environment(&target_folder().join("peers"), &python::KERAS)?;
    if let Err(reason) = python::install(&python, &["tensorflow-cpu"]) {
        eprintln!("without TensorFlow: {reason}");
    }
    Ok(())
}
