//! The conformance corpus, and random programs, against the reference evaluator.

use cornu_backend_cpu::Cpu;
use cornu_ir::testing::{CASES, agreement, conformance, random_graph, random_inputs, run};

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
