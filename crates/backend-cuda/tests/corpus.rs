//! The conformance corpus, and random programs, against the reference evaluator.

mod common;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::Command;

use cornu_backend_cuda::Cuda;
use cornu_cuda_emulator::Emulator;
use cornu_ir::testing::{
    CASES, Run, agreement, cases, conformance, gradient_graph_in, random_graph, random_inputs, retyped, run,
};
use cornu_ir::{DType, Graph};

/// Fails with everything that is in the list.
fn none_of(failed: Vec<String>) {
    assert!(failed.is_empty(), "{} fail:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_case_of_the_corpus_passes() {
    let Some(cuda) = common::gpu() else { return };
    let mut failed = Vec::new();
    for (name, text) in CASES {
        match conformance(text, cuda) {
            Ok(passed) => println!("{name}: {passed} runs passed"),
            Err(reasons) => failed.push(format!("{name}:\n{reasons}")),
        }
    }
    none_of(failed);
}

/// Each op and its gradient in one type of floats, whatever type the corpus shows them in.
fn every_case_agrees_in(dtype: DType) {
    let Some(cuda) = common::gpu() else { return };
    let mut failed = Vec::new();
    for (name, text) in CASES {
        for case in cases(text).expect("the corpus is read by the tests of the language") {
            let range = case.runs.iter().find_map(|(_, run)| match run {
                Run::Random(range) => Some(range.clone()),
                Run::Exact { .. } => None,
            });
            let Some(range) = range else { continue };
            let mut check = |part: &str, graph: &Graph| {
                let reason = disagreement(graph, range.clone(), cuda);
                failed.extend(reason.map(|reason| format!("{name}, {}, {part}: {reason}", case.name)));
            };
            if dtype != DType::F32 {
                check("itself", &retyped(dtype, &case.graph));
            }
            if let Ok(Some(mut gradient)) = gradient_graph_in(dtype, &case.graph) {
                // The sum of all outputs, which stands first, is only what the gradient is taken of.
                gradient.outputs.remove(0);
                check("its gradient", &gradient);
            }
        }
    }
    none_of(failed);
}

/// How the results for random inputs differ from the reference's, if they do.
fn disagreement(graph: &Graph, range: Option<RangeInclusive<f64>>, cuda: &Cuda) -> Option<String> {
    let inputs = random_inputs(graph, range, 1);
    match run(graph, &inputs, cuda) {
        Ok(outputs) => agreement(graph, &inputs, &outputs).err(),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn every_gradient_of_the_corpus_agrees() {
    every_case_agrees_in(DType::F32);
}

#[test]
fn every_case_of_the_corpus_agrees_in_double_width() {
    every_case_agrees_in(DType::F64);
}

#[test]
fn every_case_of_the_corpus_agrees_in_half_width() {
    every_case_agrees_in(DType::BF16);
    every_case_agrees_in(DType::F16);
}

#[test]
fn random_programs_agree_with_the_reference() {
    let Some(cuda) = common::gpu() else { return };
    none_of((0..100).filter_map(|seed| disagreement(&random_graph(seed), None, cuda)).collect());
}

/// Runs the first test above in a process of its own, where the emulator is set up otherwise.
fn the_corpus_passes_in(command: Option<Command>) {
    let Some(mut command) = command else { return };
    let output = command.args(["--exact", "every_case_of_the_corpus_passes"]).output().expect("started");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(output.status.success(), "{}\n{}", said[0], said[1]);
    assert!(said[0].contains("1 passed"), "{}", said[0]);
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("the path of a program that runs")
}

/// Warps and blocks that come in another order find the same numbers, unless a barrier is missing.
#[test]
fn the_corpus_passes_in_another_order_of_warps() {
    the_corpus_passes_in(common::emulator().map(|_| {
        let mut command = Command::new(this_program());
        command.env("CORNU_EMULATOR", "1").env("CORNU_EMULATOR_SEED", "7");
        command
    }));
}

/// Work that the device does as late as it may finds the same numbers, unless nobody waits for it.
#[test]
fn the_corpus_passes_when_the_device_is_late() {
    the_corpus_passes_in(common::emulator().map(|_| {
        let mut command = Command::new(this_program());
        command.env("CORNU_EMULATOR", "1").env("CORNU_EMULATOR_LATE", "1");
        command
    }));
}

/// No kernel reads or writes beside the buffers it is given.
#[test]
fn the_corpus_passes_under_address_sanitizer() {
    the_corpus_passes_in(common::emulator().and_then(|_| {
        match Emulator::sanitized_command(&this_program()) {
            Ok(mut command) => {
                command.env("CORNU_EMULATOR", "1");
                Some(command)
            }
            Err(missing) => {
                eprintln!("SKIPPED, not tested: {missing}");
                None
            }
        }
    }));
}
