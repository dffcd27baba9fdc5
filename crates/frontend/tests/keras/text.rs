//! Models that take strings, which real Keras built on TensorFlow: they open, predict and train as there, and so does
//! what is saved from them.

use std::path::{Path, PathBuf};

use cornu::{Model, Strings, Summary, Tensors, Values};
use serde_json::Value;

use crate::networks::{assert_predicts, assert_trains};
use crate::reading::*;

const NAMES: [&str; 7] = [
    "text_classifier",
    "ragged_texts",
    "tf_idf",
    "looked_up",
    "hashed",
    "keras2_text_classifier",
    "keras2_tf_idf",
];

fn path(name: &str, suffix: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/text/{name}.{suffix}"))
}

fn described(name: &str) -> Value {
    fixture(&format!("text/{name}.json"))
}

fn load(path: &Path) -> Model {
    Model::load(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An input as a fixture has it.
pub(crate) fn values(value: &Value) -> Values {
    let Some(strings) = value.get("strings") else { return array(value).into() };
    let strings = items(strings).iter().map(|string| text(string).to_string()).collect();
    Strings::new(sizes(&value["shape"]), strings).expect("as many strings as the shape says").into()
}

#[test]
fn text_models_predict_as_in_keras() {
    for name in NAMES {
        let (mut model, case) = (load(&path(name, "keras")), described(name));
        assert_eq!(model.count_params() as f64, number(&case["count_params"]), "{name}");
        assert_predicts(&mut model, &case, "y", 1e-5, name);
        let named = items(&case["inputs"]).iter().map(|name| text(name).to_string());
        let named = Tensors::ByName(named.zip(items(&case["x"]).iter().map(values)).collect());
        if !name.ends_with("text_classifier") {
            model.predict(named).unwrap_or_else(|error| panic!("{name} by name: {error}"));
        }
    }
}

#[test]
fn text_models_train_as_in_keras() {
    for name in NAMES {
        let (mut model, case) = (load(&path(name, "keras")), described(name));
        assert_trains(&mut model, &case, name);
        assert_predicts(&mut model, &case, "y_after", 1e-3, name);
    }
}

#[test]
fn text_models_saved_here_predict_and_train_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in NAMES {
        for suffix in ["keras", "h5"] {
            let saved = folder.path().join(format!("{name}.{suffix}"));
            load(&path(name, "keras")).save(&saved).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (mut model, case) = (load(&saved), described(name));
            assert_predicts(&mut model, &case, "y", 1e-5, &format!("{name} as {suffix}"));
            assert_trains(&mut model, &case, &format!("{name} as {suffix}"));
        }
    }
}

#[test]
fn text_models_have_keras_layers_and_summaries() {
    for name in NAMES {
        let (model, case) = (load(&path(name, "keras")), described(name));
        let layers: Vec<&str> = model.layers().iter().map(|layer| layer.name()).collect();
        let skipped = layers.len() - items(&case["layers"]).len();
        assert_eq!(layers[skipped..], items(&case["layers"]).iter().map(text).collect::<Vec<_>>(), "{name}");
        // Below the table Keras counts bytes, and TensorFlow's number of iterations has more of them.
        let table = |summary: &str| summary.split(" Total").next().map(str::to_string);
        if name.starts_with("keras2") {
            // Keras 2 draws another table.
            continue;
        }
        let ours = model.summary_with(Summary::new().line_length(108));
        assert_eq!(table(&ours), table(text(&case["summary"])), "{name}");
    }
}
