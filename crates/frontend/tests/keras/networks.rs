//! Whole networks that real Keras built: they open, predict and train as there, and so does what is saved from them.

use std::path::{Path, PathBuf};

use cornu::{Model, Summary, Tensor, Tensors};
use serde_json::Value;

use crate::reading::*;
use crate::text::values;

/// Relative to the largest number: predictions agree to this, as do losses along a training.
const PREDICTION: f64 = 1e-4;
const TRAJECTORY: f64 = 1e-3;

/// Every description with the files beside it.
fn networks() -> Vec<(String, Value, Vec<PathBuf>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found = Vec::new();
    for folder in ["networks", "networks/keras2"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let mut paths: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "json")).collect();
        paths.sort();
        for path in paths {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let files = ["keras", "h5"].map(|suffix| path.with_extension(suffix));
            let files = files.into_iter().filter(|file| file.exists()).collect();
            found.push((stem.clone(), fixture(&format!("{folder}/{stem}.json")), files));
        }
    }
    found
}

fn load(path: &Path) -> Model {
    Model::load(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn arrays(value: &Value) -> Tensors {
    match value {
        Value::Object(named) => {
            Tensors::ByName(named.iter().map(|(name, value)| (name.clone(), values(value))).collect())
        }
        list => Tensors::InOrder(items(list).iter().map(values).collect()),
    }
}

/// Fails unless the model predicts `expected`, to a share of its largest number.
pub(crate) fn assert_predicts(model: &mut Model, case: &Value, expected: &str, tolerance: f64, what: &str) {
    let got = model.predict_tensors(arrays(&case["x"]), 32).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (got, want) in got.iter().zip(items(&case[expected])) {
        let want: Tensor = array(want);
        assert_eq!(got.shape(), want.shape(), "{what}");
        let scale = want.floats().iter().fold(1e-3f64, |scale, x| scale.max(x.abs()));
        for (index, (got, want)) in got.floats().iter().zip(want.floats()).enumerate() {
            assert!((got - want).abs() <= tolerance * scale, "{what}: element {index} is {got}, not {want}");
        }
    }
}

/// Trains on one batch again and again, and compares what every step reports.
pub(crate) fn assert_trains(model: &mut Model, case: &Value, what: &str) {
    let steps = items(&case["history"]["loss"]).len();
    assert!(steps >= 20, "{what}: {steps} steps");
    for step in 0..steps {
        let logs = model.train_on_batch(arrays(&case["x"]), arrays(&case["targets"]));
        let logs = logs.unwrap_or_else(|error| panic!("{what}: {error}"));
        for (name, values) in case["history"].as_object().expect("logs by name") {
            let (got, want) = (logs.get(name), number(&values[step]));
            let got = got.unwrap_or_else(|| panic!("{what}: no {name} among {logs:?}"));
            assert!(
                (got - want).abs() <= TRAJECTORY * want.abs().max(1e-2),
                "{what}: {name} of step {step} is {got}, not {want}"
            );
        }
    }
}

/// Runs a check for every network, and fails with all that failed.
fn for_each(check: impl Fn(&str, &Value, &[PathBuf]) + std::panic::RefUnwindSafe) {
    let all = networks();
    assert!(all.len() >= 15, "only {} networks", all.len());
    let holds = |(name, case, files): &(String, Value, Vec<PathBuf>)| {
        std::panic::catch_unwind(|| check(name, case, files)).is_ok()
    };
    let failed: Vec<&String> = all.iter().filter(|network| !holds(network)).map(|(name, ..)| name).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn networks_predict_as_in_keras() {
    for_each(|_, case, files| {
        for file in files {
            let mut model = load(file);
            let what = file.display().to_string();
            assert_eq!(model.count_params() as f64, number(&case["count_params"]), "{what}");
            assert_predicts(&mut model, case, "y", PREDICTION, &what);
        }
    });
}

#[test]
fn networks_train_as_in_keras() {
    for_each(|_, case, files| {
        for file in files {
            let what = file.display().to_string();
            let mut model = load(file);
            assert_trains(&mut model, case, &what);
            if case["y_after"].is_array() {
                assert_predicts(&mut model, case, "y_after", 10.0 * TRAJECTORY, &format!("{what}, trained"));
            }
        }
    });
}

#[test]
fn networks_saved_here_predict_and_train_the_same() {
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().to_path_buf();
    for_each(|name, case, files| {
        for suffix in ["keras", "h5"] {
            let path = folder.join(format!("{name}.{suffix}"));
            load(&files[0]).save(&path).unwrap_or_else(|error| panic!("{name} as {suffix}: {error}"));
            let mut again = load(&path);
            assert_predicts(&mut again, case, "y", PREDICTION, &format!("{name} as {suffix}"));
            assert_trains(&mut again, case, &format!("{name} as {suffix}"));
        }
    });
}

#[test]
fn networks_have_keras_layers_weights_and_summaries() {
    for_each(|name, case, files| {
        let model = load(&files[0]);
        let layers: Vec<&str> =
            model.layers().iter().filter(|layer| !layer.layer().is_op()).map(|layer| layer.name()).collect();
        assert_eq!(layers, items(&case["layers"]).iter().map(text).collect::<Vec<_>>(), "{name}");
        let shapes: Vec<Vec<usize>> =
            items(&case["weights"]).iter().map(|weight| sizes(&weight["shape"])).collect();
        let ours = model.get_weights().expect("weights");
        assert_eq!(ours.iter().map(|weight| weight.shape().to_vec()).collect::<Vec<_>>(), shapes, "{name}");
        // Keras 2 draws another table.
        if let Some(want) = case["summary"].as_str().filter(|text| text.contains('┏')) {
            assert_eq!(
                model.summary_with(Summary::new().line_length(108)).trim_end(),
                want.trim_end(),
                "{name}"
            );
        }
    });
}
