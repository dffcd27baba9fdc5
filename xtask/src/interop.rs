//! The long check against real Keras: files that Cornu writes are opened, asked and trained further there.

use std::fs;
use std::process::Command;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, python, root};

/// The example of the package `cornu` that writes models, with their predictions and losses beside them.
const WRITER: &str = "write_models";

/// Makes the Python environments, writes the models, and lets Keras check them: those that take strings on TensorFlow.
pub(crate) fn with_keras() -> Outcome {
    let folder = target_folder().join("interop");
    let python = python::environment(&folder.join("venv"), &python::KERAS)?;
    let models = folder.join("models");
    // Nothing of an earlier run may stand in for a file that is no longer written.
    if models.exists() {
        fs::remove_dir_all(&models).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(&models).map_err(|error| error.to_string())?;
    run(cargo(["run", "--package", "cornu", "--example", WRITER, "--"]).arg(&models))?;
    let scripts = root().join("crates/frontend/tests/fixtures");
    run(Command::new(python).arg(scripts.join("check_in_keras.py")).arg(&models))?;
    let python = python::environment(&folder.join("venv-tensorflow"), &python::KERAS_ON_TENSORFLOW)?;
    run(Command::new(python).arg(scripts.join("make_text.py")).arg("--check").arg(models.join("text")))
}
