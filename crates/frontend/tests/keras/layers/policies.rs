//! Every layer under every policy: its types are those of Keras, and its numbers those of 32 bits, as far as its own
//! types hold them.

use cornu::DTypePolicy;
use cornu_ir::interpret::interpret;
use cornu_ir::{Builder, DType, Expr, Tensor};
use serde_json::Value;

use super::{Case, Check, is_elsewhere};
use crate::reading::*;

/// The policies, and how far results may be from those of 32 bits, as a share of the largest: some dozens of units of
/// the last place of the type that is computed in.
const POLICIES: [(&str, f64); 5] = [
    ("mixed_bfloat16", 0.1),
    ("mixed_float16", 0.02),
    ("bfloat16", 0.1),
    ("float16", 0.02),
    ("float64", 1e-4),
];

/// Cases of numbers that 16 bits do not hold, or that 64 bits tell apart where 32 do not.
const OUT_OF_RANGE: [&str; 4] = [
    "softmax_large",
    "attention_row_without_values",
    "additive_attention_row_without_values",
    "normalization_no_variance",
];

const GROUPS: [&str; 11] = [
    "activation",
    "attention",
    "convolution",
    "core",
    "images",
    "merging",
    "normalization",
    "pooling",
    "preprocessing",
    "recurrent",
    "reshaping",
];

#[test]
fn layers_compute_in_the_types_of_their_policies() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for group in GROUPS {
        let cases = fixture(&format!("layers/{group}.json"));
        let plain = |case: &&Value| !is_elsewhere(case) && case["random"] != true && case["stateful"] != true;
        for case in items(&cases).iter().filter(plain) {
            for (policy, tolerance) in POLICIES {
                count += 1;
                if let Err(complaint) = check(case, policy, tolerance) {
                    wrong.push(format!("{} under {policy}: {complaint}", text(&case["name"])));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} calls:\n{}", wrong.len(), wrong.join("\n"));
}

fn check(record: &Value, policy: &str, tolerance: f64) -> Check {
    let mut record = record.clone();
    rename(&mut record["config"], policy);
    let mut case = Case::read(&record, tolerance)?;
    let policy = DTypePolicy::named(policy).map_err(|error| error.to_string())?;
    case.check_types(policy)?;
    for (spec, given) in case.specs.iter().zip(&mut case.given[case.first_weight..]) {
        *given = Tensor::from_floats(&spec.ty, given.floats());
    }
    let builder = Builder::new();
    let given: Vec<Expr<'_>> = case.given.iter().map(|tensor| builder.input("given", tensor.ty())).collect();
    let call = case.write(&builder, &given)?;
    let outputs: Vec<Expr<'_>> = call.outputs.iter().map(|output| output.value).collect();
    // The gradient can be taken, and comes back in each variable's own type.
    let total = outputs.iter().filter(|output| output.dtype().is_float());
    let total = total.map(|output| output.cast(DType::F32).sum_all()).reduce(|sum, output| sum + output);
    let floats: Vec<Expr<'_>> = given.iter().copied().filter(|value| value.dtype().is_float()).collect();
    if let Some(total) = total.filter(|_| record.get("cotangents").is_some()) {
        let gradients = cornu_ir::grad::gradients(total, &floats).map_err(|error| error.to_string())?;
        for (value, gradient) in floats.iter().zip(gradients) {
            if gradient.is_some_and(|gradient| gradient.ty() != value.ty()) {
                return Err(format!("a gradient of {} is of another type", value.ty()));
            }
        }
    }
    let graph = builder.finish(&outputs).map_err(|error| error.to_string())?;
    let values = interpret(&graph, &case.given);
    for (index, (value, array)) in values.iter().zip(items(&record["outputs"])).enumerate() {
        let expected = self::array(array);
        let dtype = match expected.dtype() {
            // Scores of all words are of the type of the table.
            DType::F32 if record["kwargs"]["reverse"] == true => policy.variable_dtype(),
            DType::F32 => policy.compute_dtype(),
            dtype => dtype,
        };
        if value.dtype() != dtype {
            return Err(format!("output {index} is {}, not {dtype}", value.ty()));
        }
        if record["class_name"] == "Discretization" || OUT_OF_RANGE.contains(&text(&record["name"])) {
            continue;
        }
        let largest = expected.floats().iter().fold(1.0f64, |largest, x| largest.max(x.abs()));
        for (place, (got, expected)) in value.floats().iter().zip(expected.floats()).enumerate() {
            let near = (got - expected).abs() <= tolerance * largest || got.is_nan() && expected.is_nan();
            if !near {
                return Err(format!("element {place} of output {index} is {got}, in 32 bits {expected}"));
            }
        }
    }
    Ok(())
}

/// Gives the layer and those inside it a policy.
fn rename(config: &mut Value, policy: &str) {
    match config {
        // An input has an element type.
        Value::Object(items) if items.contains_key("batch_shape") => {}
        Value::Object(items) => {
            for (key, value) in items {
                match key.as_str() {
                    "dtype" => *value = policy.into(),
                    _ => rename(value, policy),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, policy)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
