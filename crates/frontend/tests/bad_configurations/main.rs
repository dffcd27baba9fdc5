//! Bad configurations: each is answered with one line that says where it is, what was given and what is needed.

mod layers;
mod models;
mod sequences;
mod spatial;
mod text;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cornu::layers::{AnyLayer, deserialize};
use cornu::{Input, Model, Result, Symbol};
use serde_json::{Value, json};

/// What is wrong, how it comes about, and what the error must say.
type Case = (&'static str, fn() -> Result<()>, &'static [&'static str]);

/// A model of one layer, called `culprit`, on inputs whose samples have these shapes.
fn on<const N: usize>(layer: impl Into<AnyLayer>, shapes: [&[usize]; N]) -> Result<()> {
    with(layer, shapes.map(|shape| Input::new(shape).symbol()))
}

/// A model of one layer, called `culprit`, on these inputs.
fn with<const N: usize>(layer: impl Into<AnyLayer>, inputs: [Symbol; N]) -> Result<()> {
    let output = layer.into().named("culprit").apply(inputs.clone());
    Model::new(inputs, &output).map(drop)
}

/// The same, with the layer read as files have it.
fn read<const N: usize>(class: &str, mut config: Value, shapes: [&[usize]; N]) -> Result<()> {
    config["name"] = json!("culprit");
    on(deserialize(&json!({"module": "keras.layers", "class_name": class, "config": config}))?, shapes)
}

/// What is wrong with the answer to a case, if anything is.
fn complaint(&(name, attempt, says): &Case) -> Option<String> {
    let text = match catch_unwind(AssertUnwindSafe(attempt)) {
        Err(_) => return Some(format!("{name}: panics")),
        Ok(Ok(())) => return Some(format!("{name}: no error, where one should say {says:?}")),
        Ok(Err(error)) => error.to_string(),
    };
    let missing: Vec<_> = says.iter().filter(|part| !text.contains(**part)).collect();
    match text.lines().count() {
        1 if missing.is_empty() => None,
        1 => Some(format!("{name}: {missing:?} is not in: {text}")),
        _ => Some(format!("{name}: more than one line: {text}")),
    }
}

/// Fails with all complaints at once.
fn check(cases: &[Case]) {
    let complaints: Vec<String> = cases.iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}

#[test]
fn layers() {
    check(layers::CASES);
}

#[test]
fn spatial_layers() {
    check(spatial::CASES);
}

#[test]
fn sequence_layers() {
    check(sequences::CASES);
}

#[test]
fn layers_on_strings() {
    check(text::CASES);
}

#[test]
fn models_and_training() {
    check(models::CASES);
}
