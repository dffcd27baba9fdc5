//! The peers: what each is called, which workloads it does, and how it is started. One that is not set up is left out.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::contestant::Contestant;
use crate::workloads::Workload;

/// How a peer is run.
enum Runs {
    /// A script under `peers/`, in the Python environment of this name, if that has the module.
    Python { environment: &'static str, module: &'static str, script: &'static str, form: Form },
    /// A program of the workspace `peers/rust`.
    Rust,
}

/// What a script is told before the workload.
enum Form {
    /// Nothing; Keras reads its backend from a variable.
    Keras(&'static str),
    /// Its first argument.
    Named(&'static str),
    /// The folder with the networks as ONNX files.
    Folder,
}

struct Peer {
    name: &'static str,
    workloads: &'static [&'static str],
    runs: Runs,
}

const TRAINED: &[&str] = &["W1", "W2", "W3", "W4", "W5", "W6"];
const EVERYTHING: &[&str] = &["W1", "W2", "W3", "W4", "W5", "W6", "W7", "start"];

const PEERS: [Peer; 11] = [
    keras("keras-jax", "jax"),
    keras("keras-tensorflow", "tensorflow"),
    torch("torch-eager", "eager"),
    torch("torch-tuned", "tuned"),
    torch(MKL_TUNED, "tuned"),
    torch(COMPILED, "compiled"),
    Peer {
        name: "onnxruntime",
        workloads: &["W7"],
        runs: Runs::Python {
            environment: "torch",
            module: "onnxruntime",
            script: "onnx_predict.py",
            form: Form::Folder,
        },
    },
    Peer { name: "burn", workloads: &["W1", "W2", "W6"], runs: Runs::Rust },
    Peer { name: "candle", workloads: &["W1", "W2", "W6"], runs: Runs::Rust },
    Peer { name: "rustyml", workloads: &["W1", "W2", "W6"], runs: Runs::Rust },
    Peer { name: "tract", workloads: &["W7"], runs: Runs::Rust },
];

/// Those that run on a GPU, too. PyTorch's compiler writes Triton there.
const PEERS_ON_GPU: [Peer; 3] = [
    torch("torch-eager-cuda", "eager"),
    torch("torch-tuned-cuda", "tuned"),
    torch("torch-compiled-cuda", "compiled"),
];

/// PyTorch's compiler writes C++.
const COMPILED: &str = "torch-compiled";

/// MKL takes its AVX2 path on processors of other makers, unless a library loaded before it says that this is none.
const MKL_TUNED: &str = "torch-tuned-mkl";

const fn keras(name: &'static str, backend: &'static str) -> Peer {
    let form = Form::Keras(backend);
    let runs = Runs::Python { environment: "keras", module: backend, script: "keras_fit.py", form };
    Peer { name, workloads: EVERYTHING, runs }
}

const fn torch(name: &'static str, form: &'static str) -> Peer {
    let form = Form::Named(form);
    let runs = Runs::Python { environment: "torch", module: "torch", script: "torch_fit.py", form };
    Peer { name, workloads: TRAINED, runs }
}

/// The peers for a workload that run where this backend does, warm. Of those that are missing it is said why.
pub(crate) fn for_workload(workload: &Workload, backend: &str) -> Vec<Contestant> {
    let (able, device) = if backend == "cpu" { (&PEERS[..], "cpu") } else { (&PEERS_ON_GPU[..], backend) };
    let mut peers = Vec::new();
    for peer in able.iter().filter(|peer| peer.workloads.contains(&workload.name)) {
        eprintln!("{} {}: {} warms up", workload.name, workload.measure, peer.name);
        match peer.contestant(workload, device) {
            Ok(contestant) => peers.push(contestant),
            Err(reason) => eprintln!("{} is left out: {reason}", peer.name),
        }
    }
    peers
}

/// The crates that multiply matrices and do nothing else.
const MULTIPLIERS: [&str; 2] = ["gemm", "matrixmultiply"];

/// The peers for a product of these sizes, `MxKxN`, on so many threads. Of those that are missing it is said why.
pub(crate) fn for_product(sizes: &str, threads: usize) -> Vec<Contestant> {
    let threads = threads.to_string();
    let started = |name: &str| {
        let mut command = Command::new(rust_program(name)?);
        command.args([sizes, &threads]);
        command.env("MATMUL_NUM_THREADS", &threads).env("RAYON_NUM_THREADS", &threads);
        Contestant::companion(name, command)
    };
    let mut peers = Vec::new();
    for name in MULTIPLIERS {
        match started(name) {
            Ok(contestant) => peers.push(contestant),
            Err(reason) => eprintln!("{name} is left out: {reason}"),
        }
    }
    peers
}

/// Where cargo puts what it builds; `cargo xtask bench` knows.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CORNU_TARGET").map_or_else(|| "target".into(), PathBuf::from)
}

/// The scripts: where this was built, or where they were carried to.
fn scripts() -> PathBuf {
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    std::env::var_os("CORNU_PEERS").map_or_else(here, PathBuf::from)
}

/// The interpreter of an environment that was set up, or the one that has everything where none can be.
fn python(environment: &str) -> Result<PathBuf, String> {
    match std::env::var_os("CORNU_PEERS_PYTHON") {
        Some(python) => Ok(python.into()),
        None => present(folder().join(environment).join("bin/python")),
    }
}

fn folder() -> PathBuf {
    target_folder().join("peers")
}

impl Peer {
    fn contestant(&self, workload: &Workload, device: &str) -> Result<Contestant, String> {
        let mut command = self.command(workload)?;
        command.env("PEER_DEVICE", device);
        // What libraries say of themselves is no news; a peer that fails is run by hand.
        command.stderr(Stdio::null());
        if workload.is_a_process() {
            return Ok(Contestant::program(self.name, command));
        }
        command.args(workload.key());
        Contestant::companion(self.name, command)
    }

    fn command(&self, workload: &Workload) -> Result<Command, String> {
        let Runs::Python { environment, module, script, form } = &self.runs else { return self.program() };
        let python = python(environment)?;
        if !has_module(&python, module) {
            return Err(format!("its environment has no {module}"));
        }
        let script = if workload.is_a_process() { "keras_start.py" } else { script };
        let mut command = Command::new(python);
        command.arg(scripts().join(script));
        match form {
            Form::Keras(backend) => {
                command.env("KERAS_BACKEND", backend).env("JAX_PLATFORMS", "cpu");
                command.env("TF_CPP_MIN_LOG_LEVEL", "3")
            }
            Form::Named(form) => command.arg(form),
            Form::Folder => command.arg(present(folder().join("onnx"))?),
        };
        if self.name == MKL_TUNED {
            command.env("LD_PRELOAD", present(folder().join("mkl.so"))?);
        }
        if self.name == COMPILED && !is_there("c++") {
            return Err("it needs a C++ compiler".to_string());
        }
        Ok(command)
    }

    /// A program in Rust. Those for W7 read the ONNX files.
    fn program(&self) -> Result<Command, String> {
        let mut command = Command::new(rust_program(self.name)?);
        if self.workloads.contains(&"W7") {
            command.arg(present(folder().join("onnx"))?);
        }
        Ok(command)
    }
}

/// A program of the workspace `peers/rust`.
fn rust_program(name: &str) -> Result<PathBuf, String> {
    present(folder().join("rust/release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// The path, if something is there.
fn present(path: PathBuf) -> Result<PathBuf, String> {
    match std::path::absolute(&path) {
        Ok(path) if path.exists() => Ok(path),
        _ => Err(format!("there is no {}; `cargo xtask bench --setup-peers` makes it", path.display())),
    }
}

fn has_module(python: &Path, module: &str) -> bool {
    let find = format!("import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)");
    Command::new(python).args(["-c", &find]).status().is_ok_and(|status| status.success())
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
