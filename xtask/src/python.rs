//! Python environments for what is compared with real Keras, made by package name.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::run;

/// The Keras that the numbers in this repository come from, and the backend they were computed on.
pub(crate) const KERAS: [&str; 2] = ["keras==3.15.1", "jax"];

/// The same with the one backend whose models take strings.
pub(crate) const KERAS_ON_TENSORFLOW: [&str; 2] = ["keras==3.15.1", "tensorflow-cpu==2.20.0"];

/// What shows event files; `setuptools` has a module that it still imports.
pub(crate) const TENSORBOARD: [&str; 2] = ["tensorboard==2.20.0", "setuptools<81"];

/// The interpreter of the environment in `folder`, which is made with these packages if it is not there.
pub(crate) fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf, String> {
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    }
    install(&python, packages)?;
    Ok(python)
}

/// Adds packages; what is there already is left alone.
pub(crate) fn install(python: &Path, packages: &[&str]) -> Outcome {
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages))
}
