//! The conformance runner: one corpus that every backend must pass.

use super::agreement::{agreement, compared, tolerances};
use super::cases::{Run, cases};
use super::draw::random_inputs;
use crate::backend::{Backend, Buffer};
use crate::error::BackendError;
use crate::graph::Graph;
use crate::passes::optimize;
use crate::plan::plan;
use crate::tensor::Tensor;

/// Runs a case file on a backend. Answers how many runs passed, or lists those that did not.
pub fn conformance(text: &str, backend: &dyn Backend) -> Result<usize, String> {
    let mut passed = 0;
    let mut failed: Vec<String> = Vec::new();
    for case in cases(text).map_err(|error| error.to_string())? {
        for (line, of) in &case.runs {
            match checked(&case.graph, of, *line, backend) {
                Ok(()) => passed += 1,
                Err(reason) => failed.push(format!("line {line}, `{}`: {reason}", case.name)),
            }
        }
    }
    if failed.is_empty() { Ok(passed) } else { Err(failed.join("\n")) }
}

fn checked(graph: &Graph, of: &Run, line: usize, backend: &dyn Backend) -> Result<(), String> {
    let on_backend = |inputs: &[Tensor]| run(graph, inputs, backend).map_err(|error| error.to_string());
    match of {
        Run::Exact { inputs, outputs } => compared(outputs, &on_backend(inputs)?, &tolerances(graph, inputs)),
        Run::Random(range) => {
            let inputs = random_inputs(graph, range.clone(), line as u64);
            agreement(graph, &inputs, &on_backend(&inputs)?)
        }
    }
}

/// Optimizes, plans, compiles and runs a program once.
pub fn run(graph: &Graph, inputs: &[Tensor], backend: &dyn Backend) -> Result<Vec<Tensor>, BackendError> {
    let mut executable = backend.compile(&plan(&optimize(graph)))?;
    let (state, inputs) = inputs.split_at(graph.state);
    let upload = |tensors: &[Tensor]| -> Result<Vec<Buffer>, BackendError> {
        tensors.iter().map(|tensor| backend.upload(tensor)).collect()
    };
    let (mut state, inputs) = (upload(state)?, upload(inputs)?);
    let output_types = graph.output_types();
    let outputs: Result<Vec<Buffer>, BackendError> =
        output_types[graph.state..].iter().map(|ty| backend.allocate(ty)).collect();
    let mut outputs = outputs?;
    executable.run(&mut state, &inputs.iter().collect::<Vec<_>>(), &mut outputs)?;
    state.iter().chain(&outputs).map(|buffer| backend.download(buffer)).collect()
}
