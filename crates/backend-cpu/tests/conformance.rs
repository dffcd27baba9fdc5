//! The conformance corpus, and random programs, against the reference evaluator.

use cornu_backend_cpu::Cpu;
use cornu_ir::testing::{
    CASES, Run, agreement, cases, conformance, gradient_graph_in, random_graph, random_inputs, retyped, run,
};
use cornu_ir::{DType, Graph};

#[test]
fn every_case_of_the_corpus_passes() {
    let cpu = Cpu::with_threads(2).unwrap();
    let mut failed = Vec::new();
    for (name, text) in CASES {
        match conformance(text, &cpu) {
            Ok(passed) => println!("{name}: {passed} runs passed"),
            Err(reasons) => failed.push(format!("{name}:\n{reasons}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Each op and its gradient in each type of floats, whatever type the corpus shows them in.
#[test]
fn every_case_of_the_corpus_agrees_in_all_floats() {
    let cpu = Cpu::with_threads(2).unwrap();
    let mut failed = Vec::new();
    let mut check = |what: String, graph: &Graph, range| {
        let inputs = random_inputs(graph, range, 1);
        match run(graph, &inputs, &cpu).map_err(|error| error.to_string()) {
            Ok(outputs) => failed
                .extend(agreement(graph, &inputs, &outputs).err().map(|reason| format!("{what}: {reason}"))),
            Err(error) => failed.push(format!("{what}: {error}")),
        }
    };
    for (name, text) in CASES {
        for case in cases(text).unwrap() {
            let range = case.runs.iter().find_map(|(_, run)| match run {
                Run::Random(range) => Some(range.clone()),
                Run::Exact { .. } => None,
            });
            let Some(range) = range else { continue };
            for dtype in [DType::F64, DType::BF16, DType::F16] {
                let what = |part: &str| format!("{name}, {}, {part} in {dtype}", case.name);
                check(what("itself"), &retyped(dtype, &case.graph), range.clone());
                if let Ok(Some(mut gradient)) = gradient_graph_in(dtype, &case.graph) {
                    // The sum of all outputs, which stands first, is only what the gradient is taken of.
                    gradient.outputs.remove(0);
                    check(what("its gradient"), &gradient, range.clone());
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} fail:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn random_programs_agree_with_the_reference() {
    let cpu = Cpu::with_threads(2).unwrap();
    for seed in 0..500 {
        let graph = random_graph(seed);
        let inputs = random_inputs(&graph, None, seed);
        let outputs = run(&graph, &inputs, &cpu).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        agreement(&graph, &inputs, &outputs).unwrap_or_else(|reason| panic!("seed {seed}: {reason}"));
    }
}
