//! The long checks of training: event files against TensorBoard, and many trainings that are killed.

use std::fs;
use std::process::Command;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, python, root};

/// The example of the package `cornu` that trains with the callback, and prints what it logged.
const WRITER: &str = "write_events";
/// How many trainings are killed unless said otherwise.
const KILLS: &str = "200";

/// Writes event files, and reads them by TensorBoard's own package.
pub(crate) fn events_in_tensorboard() -> Outcome {
    let folder = target_folder().join("tensorboard");
    let python = python::environment(&folder.join("venv"), &python::TENSORBOARD)?;
    let logs = folder.join("logs");
    // Nothing of an earlier run may stand in for what is no longer written.
    if logs.exists() {
        fs::remove_dir_all(&logs).map_err(|error| error.to_string())?;
    }
    run(cargo(["run", "--package", "cornu", "--example", WRITER, "--"]).arg(&logs))?;
    let script = root().join("crates/frontend/tests/fixtures/check_events.py");
    run(Command::new(python).arg(script).arg(&logs))
}

/// Kills trainings at random moments, and compares how they end with one that ran through.
pub(crate) fn kill(args: &[String]) -> Outcome {
    let count = match args {
        [] => KILLS,
        [count] if count.parse::<usize>().is_ok() => count,
        _ => return Err("kill takes how many trainings are killed, or nothing".to_string()),
    };
    let test = ["test", "--package", "cornu", "--test", "training", "--", "resume::killed", "--nocapture"];
    run(cargo(test).env("CORNU_TEST_KILLS", count))
}
