//! Layers that remember from call to call.

use cornu::layers::{CallArguments, Masked, Spec};
use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, Expr, Tensor};
use serde_json::Value;

use super::{Check, near};
use crate::reading::*;

/// Calls one after another, the first and each after a reset with states of zeros.
pub(super) fn check(record: &Value, tolerance: f64) -> Check {
    let layer = super::layer(record)?;
    let first = array(&record["calls"][0]["inputs"][0]).ty();
    // The number of samples is known: each has its states.
    let spec = Spec::new(first.dtype, first.shape.iter().copied().map(Some).collect::<Vec<_>>());
    let specs = layer.weight_specs(&[spec]).map_err(|error| error.to_string())?;
    let mut stored = items(&record["weights"]).iter().map(|weight| array(&weight["array"]));
    let start: Vec<Tensor> = specs
        .iter()
        .map(|spec| if spec.saved { stored.next() } else { Some(Tensor::zeros(&spec.ty)) })
        .collect::<Option<_>>()
        .ok_or("there are more weights than in Keras")?;
    let mut weights = start.clone();
    for (number, call) in items(&record["calls"]).iter().enumerate() {
        if call["reset_before"] == true {
            weights.clone_from(&start);
        }
        let mut given = weights;
        given.push(array(&call["inputs"][0]));
        let builder = Builder::new();
        let values: Vec<Expr<'_>> = given.iter().map(|tensor| builder.input("given", tensor.ty())).collect();
        let arguments = CallArguments::new(vec![Masked::from(values[specs.len()])], false);
        let called = layer
            .stateless_call(&builder, &specs, &values[..specs.len()], &arguments, None)
            .map_err(|error| error.to_string())?;
        let outputs: Vec<Expr<'_>> = called.weights.into_iter().chain([called.outputs[0].value]).collect();
        let graph = builder.finish(&outputs).map_err(|error| error.to_string())?;
        weights = interpret(&graph, &given);
        let output = weights.pop().ok_or("there is no output")?;
        near(&format!("the output of call {number}"), &output, &call["outputs"][0], tolerance)?;
    }
    Ok(())
}
