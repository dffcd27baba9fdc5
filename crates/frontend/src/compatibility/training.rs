//! The part of the page on optimizers, schedules and dtype policies.

use std::sync::Arc;

use serde_json::json;

use super::{arguments, code, row};
use crate::error::Result;
use crate::layers::{DTypePolicy, keras_dtype_name};
use crate::optimizers::{
    self, Common, LossScaleOptimizer, MultiOptimizer, Optimizer, SGD, Schedule, optimizer_names,
    schedule_names,
};

const ABOUT: &str = "
All have the arguments COMMON, but for the two that have others inside. `exclude_from_weight_decay` is a builder
method, and stands in no file, as in Keras. A schedule may be a function of the step that the program has registered.

| Class | Arguments of its own | Kept for each weight |
|---|---|---|
";

/// Optimizers with their arguments and slots, then schedules.
pub(super) fn write(text: &mut String) -> Result<()> {
    let common = arguments(&Common::new(0.0).config(""));
    *text += "\n## Optimizers\n";
    *text += &ABOUT.replace("COMMON", &common);
    for class in optimizer_names() {
        let optimizer = optimizer(class)?;
        row(
            text,
            [code([class]), arguments(&optimizer.arguments()), code(slots(&*optimizer).iter().map(|s| &**s))],
        );
    }
    *text += "\n## Learning rate schedules\n\n| Class | Arguments |\n|---|---|\n";
    for class in schedule_names() {
        row(text, [code([class]), arguments(&schedule(class)?.config())]);
    }
    policies(text);
    Ok(())
}

const POLICIES: &str = "
`layer.dtype(NAME)`, or `set_dtype_policy(NAME)` for all layers that a thread makes from then on. Losses and metrics are
computed in 32 bits or more, in 64 where predictions are of 64, which Keras rounds to 32. Policies of quantized layers
and maps of policies are errors.

| Policy | Arithmetic | Variables |
|---|---|---|
";

fn policies(text: &mut String) {
    *text += "\n## Dtype policies\n";
    *text += POLICIES;
    for policy in DTypePolicy::all() {
        let types = [policy.compute_dtype(), policy.variable_dtype()].map(keras_dtype_name);
        row(text, [code([policy.name()]), code([types[0]]), code([types[1]])]);
    }
}

/// One of this class.
fn optimizer(class: &str) -> Result<Arc<dyn Optimizer>> {
    Ok(match class {
        "LossScaleOptimizer" => Arc::new(LossScaleOptimizer::new(SGD::new())),
        "MultiOptimizer" => Arc::new(MultiOptimizer::new(SGD::new())),
        _ => optimizers::get(class)?,
    })
}

/// What its rule keeps of a matrix.
fn slots(optimizer: &dyn Optimizer) -> Vec<String> {
    let ty = cornu_ir::Type::new(cornu_ir::DType::F32, [2, 2]);
    let weight = optimizers::TrainedWeight::new("dense/kernel", ty);
    let slots = optimizer.rule_slots(&[weight]).into_iter();
    slots.filter(|slot| slot.weight.is_some()).map(|slot| slot.name).collect()
}

fn schedule(class: &str) -> Result<Schedule> {
    let given = json!({
        "initial_learning_rate": 0.1, "decay_steps": 1, "first_decay_steps": 1, "decay_rate": 0.5,
        "boundaries": [1], "values": [0.1, 0.2],
    });
    Schedule::deserialize(&json!({"class_name": class, "config": given}))
}
