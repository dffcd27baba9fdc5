//! The long check against real Keras: files that Cornu writes are opened, asked and trained further there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, root};

/// The Keras that the numbers in this repository come from.
const PACKAGES: [&str; 2] = ["keras==3.15.1", "jax"];

/// The example of the package `cornu` that writes models, with their predictions and losses beside them.
const WRITER: &str = "write_models";

/// Makes the Python environment, writes the models, and lets Keras check them.
pub(crate) fn with_keras() -> Outcome {
    let venv = target_folder().join("interop/venv");
    let models = target_folder().join("interop/models");
    let python = venv.join("bin/python");
    if !python.exists() {
        make_environment(&venv, &python)?;
    }
    // Nothing of an earlier run may stand in for a file that is no longer written.
    if models.exists() {
        fs::remove_dir_all(&models).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(&models).map_err(|error| error.to_string())?;
    run(cargo(["run", "--package", "cornu", "--example", WRITER, "--"]).arg(&models))?;
    let script = root().join("crates/frontend/tests/fixtures/check_in_keras.py");
    run(Command::new(python).arg(script).arg(models))
}

fn make_environment(venv: &Path, python: &Path) -> Outcome {
    run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
    run(Command::new(python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))
}
