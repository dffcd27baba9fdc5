//! The conformance corpus, and random programs, against the reference evaluator.

mod common;

use std::ops::RangeInclusive;

use cornu_backend_cuda::Cuda;
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
