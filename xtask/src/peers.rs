//! Sets up what Cornu is measured beside. Whatever cannot be had is said and left out: the benches go on without it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, python, root};

/// PyTorch, and what writes and runs ONNX files. Where the index has only a build for GPUs, that one is taken: what it
/// does on the CPU is the same.
const TORCH: [&str; 5] = ["torch", "torchvision", "onnx", "onnxscript", "onnxruntime"];

/// The packages of `benches/peers/rust`, built one by one, for one that does not build must not stop the others.
const RUST: [&str; 6] = ["burn", "candle", "gemm", "matrixmultiply", "rustyml", "tract"];

/// Makes the Python environments, the ONNX files and the programs in Rust.
pub(crate) fn set_up() {
    let folder = target_folder().join("peers");
    or_without("Keras on JAX", python::environment(&folder.join("keras"), &python::KERAS).map(drop));
    // In the same environment, but by itself: TensorFlow is not built for every machine that has JAX.
    let tensorflow = &python::KERAS_ON_TENSORFLOW;
    or_without("Keras on TensorFlow", python::environment(&folder.join("keras"), tensorflow).map(drop));
    or_without("PyTorch and onnxruntime", torch(&folder));
    or_without("MKL on all instruction sets", mkl(&folder));
    for name in RUST {
        or_without(name, program(&folder, name));
    }
}

fn or_without(name: &str, outcome: Outcome) {
    match outcome {
        Ok(()) => eprintln!("{name}: set up\n"),
        Err(reason) => eprintln!("{name}: left out, for {reason}\n"),
    }
}

fn torch(folder: &Path) -> Outcome {
    let python = python::environment(&folder.join("torch"), &TORCH)?;
    run(Command::new(python).arg(root().join("benches/peers/onnx_models.py")).arg(folder.join("onnx")))
}

/// A library that answers MKL's question for the maker of the processor.
fn mkl(folder: &Path) -> Outcome {
    let source = folder.join("mkl.c");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&source, "int mkl_serv_intel_cpu_true(void) { return 1; }\n"))
        .map_err(|error| format!("{}: {error}", source.display()))?;
    run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(folder.join("mkl.so")).arg(source))
}

/// Built for this very processor, as their users are told to do.
fn program(folder: &Path, name: &str) -> Outcome {
    let mut build = cargo(["build", "--release", "--locked", "--package", &format!("peer-{name}")]);
    build.current_dir(root().join("benches/peers/rust")).env("CARGO_TARGET_DIR", folder.join("rust"));
    run(build.env("RUSTFLAGS", "-C target-cpu=native"))
}
