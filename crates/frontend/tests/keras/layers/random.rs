//! Layers of random numbers.

use cornu::layers::{CallArguments, Masked, Spec};
use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, DType, Tensor};
use serde_json::Value;

use super::Check;
use crate::reading::*;

/// A layer of random numbers, trained on one number many times: that its outputs are spread as in Keras. What it says
/// of itself was checked in a case without chance.
pub(super) fn check(record: &Value) -> Check {
    let layer = super::layer(record)?;
    let shape = sizes(&record["shape"]);
    let x = floats(&shape, vec![number(&record["constant"]); shape.iter().product()]);
    let given = [x, Tensor::vector(vec![1u32, 2, 3, 0])];
    let builder = Builder::new();
    let inputs = given.each_ref().map(|tensor| builder.input("given", tensor.ty()));
    let spec = Spec::new(DType::F32, shape.iter().copied().map(Some).collect::<Vec<_>>());
    layer.weight_specs(&[spec]).map_err(|error| error.to_string())?;
    let arguments = CallArguments::new(vec![Masked::from(inputs[0])], false);
    let call = layer
        .stateless_call(&builder, &[], &[], &arguments, Some(inputs[1]))
        .map_err(|error| error.to_string())?;
    let graph = builder.finish(&[call.outputs[0].value]).map_err(|error| error.to_string())?;
    let values = interpret(&graph, &given)[0].floats();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let average = mean(&values);
    let squares: Vec<f64> = values.iter().map(|value| (value - average).powi(2)).collect();
    let measured = [
        ("zeros", values.iter().filter(|&&value| value == 0.0).count() as f64 / values.len() as f64, 0.05),
        ("mean", average, 0.1),
        ("std", mean(&squares).sqrt(), 0.05),
        // The extremes are single draws.
        ("min", values.iter().copied().fold(f64::INFINITY, f64::min), 0.2),
        ("max", values.iter().copied().fold(f64::NEG_INFINITY, f64::max), 0.2),
    ];
    for (what, got, tolerance) in measured {
        let expected = number(&record["statistics"][what]);
        if (got - expected).abs() > tolerance * expected.abs().max(1.0) {
            return Err(format!("{what} of the outputs is {got}, in Keras {expected}"));
        }
    }
    Ok(())
}
