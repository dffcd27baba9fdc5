//! Keras, on the backends that its environment has, doing the same work through its own `fit`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contestant::Contestant;
use crate::workloads::Workload;

/// Backends of Keras, as its KERAS_BACKEND calls them.
const BACKENDS: [&str; 2] = ["jax", "tensorflow"];

/// The peers for a workload: none where `cargo xtask bench --setup-peers` was not run.
pub(crate) fn for_workload(workload: &Workload) -> Result<Vec<Contestant>, String> {
    let python = target_folder().join("peers/bin/python");
    if !python.exists() {
        eprintln!("no peers: `cargo xtask bench --setup-peers` sets them up");
        return Ok(Vec::new());
    }
    let mut peers = Vec::new();
    for backend in BACKENDS.into_iter().filter(|backend| installed(&python, backend)) {
        match peer(workload, &python, backend) {
            Ok(peer) => peers.push(peer),
            Err(reason) => eprintln!("keras-{backend} is left out: {reason}"),
        }
    }
    Ok(peers)
}

/// Where cargo puts what it builds; `cargo xtask bench` knows.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CORNU_TARGET").map_or_else(|| "target".into(), PathBuf::from)
}

fn installed(python: &Path, module: &str) -> bool {
    let find = format!("import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)");
    Command::new(python).args(["-c", &find]).status().is_ok_and(|status| status.success())
}

fn peer(workload: &Workload, python: &Path, backend: &str) -> Result<Contestant, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut command = Command::new(python);
    command.env("KERAS_BACKEND", backend).env("JAX_PLATFORMS", "cpu").env("TF_CPP_MIN_LOG_LEVEL", "3");
    let name = format!("keras-{backend}");
    match workload.name {
        "start" => {
            command.arg(folder.join("start.py"));
            Ok(Contestant::program(name, command))
        }
        fitted => {
            command.arg(folder.join("fit.py")).arg(fitted);
            Contestant::companion(name, command)
        }
    }
}
