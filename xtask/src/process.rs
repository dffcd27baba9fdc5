//! Runs other programs, shown before they start.

use std::path::PathBuf;
use std::process::Command;

use crate::{Outcome, root};

/// The cargo that runs this chore.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Runs a program and waits; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let program = PathBuf::from(command.get_program());
    let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    let line = format!("{name} {}", args.join(" "));
    eprintln!("$ {line}");
    let status = command.status().map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}
