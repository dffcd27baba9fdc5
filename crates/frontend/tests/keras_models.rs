//! Model files that real Keras wrote: they open, predict what Keras predicted, and go on training as Keras did; and
//! what is saved from them does the same.

use std::fs;
use std::path::{Path, PathBuf};

use cornu::{DType, Evaluate, Fit, Model, Summary, Tensor, Verbose};
use cornu_ir::Type;
use serde_json::Value;

/// Relative to the largest number: predictions agree to this, as do losses along a training.
const PREDICTION: f64 = 1e-5;
const TRAJECTORY: f64 = 1e-3;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models")
}

/// Every description with the files beside it.
fn described() -> Vec<(PathBuf, Value, Vec<PathBuf>)> {
    let entries = [folder(), folder().join("keras2")]
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let described =
        paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "json")).map(|path| {
            let text = fs::read_to_string(&path).expect("a text");
            let value: Value = serde_json::from_str(&text).expect("JSON");
            let files = ["keras", "h5"]
                .map(|suffix| path.with_extension(suffix))
                .into_iter()
                .filter(|file| file.exists());
            (path.clone(), value, files.collect())
        });
    described.filter(|(_, _, files): &(PathBuf, Value, Vec<PathBuf>)| !files.is_empty()).collect()
}

fn tensor(value: &Value) -> Tensor {
    let shape: Vec<usize> = value["shape"]
        .as_array()
        .expect("a shape")
        .iter()
        .map(|size| size.as_u64().expect("a size") as usize)
        .collect();
    let dtype = match value["dtype"].as_str() {
        Some("int32") => DType::I32,
        Some("int64") => DType::I64,
        Some("uint8") => DType::U8,
        _ => DType::F32,
    };
    let data = value["data"].as_array().expect("data").iter().map(number);
    Tensor::from_floats(&Type::new(dtype, shape), data.collect::<Vec<f64>>())
}

/// JSON has no NaN and no infinity: fixtures write them as words.
fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3f64, |scale, x| scale.max(x.abs()));
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        let close = (got - want).abs() <= tolerance * scale || (got.is_nan() && want.is_nan());
        assert!(close, "{what}: element {index} is {got}, Keras has {want}");
    }
}

fn assert_predicts(model: &mut Model, case: &Value, what: &str) {
    let got =
        model.predict_tensors(vec![tensor(&case["x"])], 32).unwrap_or_else(|error| panic!("{what}: {error}"));
    let want = tensor(&case["y"]);
    assert_eq!(got[0].shape(), want.shape(), "{what}");
    assert_close(&got[0].floats(), &want.floats(), PREDICTION, what);
}

fn load(path: &Path) -> Model {
    Model::load(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Trains as the description says and compares the curve.
fn assert_continues(model: &mut Model, case: &Value, what: &str) {
    let run = &case["continue"];
    let mut how = Fit::new()
        .epochs(run["epochs"].as_u64().expect("epochs") as usize)
        .batch_size(run["batch_size"].as_u64().expect("a size") as usize)
        .validation_split(run["validation_split"].as_f64().unwrap_or(0.0))
        .shuffle(false)
        .verbose(Verbose::Silent);
    let mut measure = Evaluate::new();
    if let Some(weights) = run.get("sample_weight").filter(|weights| !weights.is_null()) {
        how = how.sample_weight(tensor(weights));
        measure = measure.sample_weight(tensor(weights));
    }
    if let Some(classes) = run.get("class_weight").and_then(Value::as_object) {
        how = how.class_weight(
            classes.iter().map(|(class, weight)| (class.parse().expect("a class"), number(weight))),
        );
    }
    let (x, y) = (tensor(&case["x"]), tensor(&run["y"]));
    let history = model.fit(&x, &y, how).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (name, want) in run["history"].as_object().expect("a history") {
        let want: Vec<f64> = want.as_array().expect("values").iter().map(number).collect();
        let got = history.get(name).unwrap_or_else(|| panic!("{what}: no {name}"));
        assert_close(got, &want, TRAJECTORY, &format!("{what}: {name}"));
    }
    let report = model.evaluate_with(vec![x], vec![y], measure).expect("an evaluation");
    for (name, want) in run["evaluate"].as_object().into_iter().flatten() {
        assert_close(
            &[report.get(name).expect("a value")],
            &[number(want)],
            TRAJECTORY,
            &format!("{what}: {name}"),
        );
    }
}

#[test]
fn files_of_keras_predict_as_in_keras() {
    let all = described();
    assert!(all.len() > 20, "only {} descriptions", all.len());
    for (_, case, files) in &all {
        for file in files {
            let mut model = load(file);
            assert_eq!(
                model.count_params() as u64,
                case["count_params"].as_u64().expect("a count"),
                "{file:?}"
            );
            assert_predicts(&mut model, case, &file.display().to_string());
        }
    }
}

#[test]
fn what_is_saved_predicts_the_same_in_every_format() {
    let out = tempfile::tempdir().expect("a folder");
    for (_, case, files) in &described() {
        let model = load(&files[0]);
        for suffix in ["keras", "h5"] {
            let path = out.path().join(format!("again.{suffix}"));
            match model.save(&path) {
                Ok(()) => assert_predicts(&mut load(&path), case, &format!("{:?} as {suffix}", files[0])),
                // Keras 3 has no name for what Keras 2 called hard_sigmoid.
                Err(error) => {
                    assert!(error.to_string().contains("keras2_hard_sigmoid"), "{:?}: {error}", files[0])
                }
            }
        }
        let mut other = load(&files[0]);
        let path = out.path().join("again.weights.h5");
        model.save_weights(&path).expect("saved");
        other.load_weights(&path).expect("loaded");
        assert_predicts(&mut other, case, &format!("{:?} by its weights", files[0]));
    }
}

#[test]
fn training_goes_on_as_in_keras() {
    let mut runs = 0;
    for (_, case, files) in described().iter().filter(|(_, case, _)| !case["continue"].is_null()) {
        for file in files {
            assert_continues(&mut load(file), case, &file.display().to_string());
            runs += 1;
        }
    }
    assert!(runs > 15, "only {runs} runs");
}

#[test]
fn training_goes_on_from_what_is_saved_here() {
    let out = tempfile::tempdir().expect("a folder");
    for (_, case, files) in described().iter().filter(|(_, case, _)| !case["continue"].is_null()) {
        for suffix in ["keras", "h5"] {
            let path = out.path().join(format!("again.{suffix}"));
            if load(&files[0]).save(&path).is_ok() {
                assert_continues(&mut load(&path), case, &format!("{:?} as {suffix}", files[0]));
            }
        }
    }
}

#[test]
fn summaries_are_those_of_keras() {
    let mut seen = 0;
    for (_, case, files) in described() {
        let Some(want) = case.get("summary").and_then(Value::as_str) else { continue };
        let model = load(&files[0]);
        assert_eq!(model.summary().trim_end(), want.trim_end(), "{:?}", files[0]);
        if let Some(want) = case.get("summary_expanded").and_then(Value::as_str) {
            let how = Summary::new().line_length(88).expand_nested().show_trainable();
            assert_eq!(model.summary_with(how).trim_end(), want.trim_end(), "{:?}", files[0]);
        }
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn bad_files_are_errors_of_one_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bad");
    let faults: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("faults.json")).expect("a text")).expect("JSON");
    for fault in faults.as_array().expect("a list") {
        let file = fault["file"].as_str().expect("a name");
        let result = Model::load(folder.join(file));
        if let Err(error) = &result {
            assert_eq!(error.to_string().lines().count(), 1, "{file}: {error}");
            assert!(error.to_string().contains(file), "{file} is not named: {error}");
        }
        let must_fail = !fault["keras"].is_null();
        assert!(result.is_err() || !must_fail, "{file} opens: {}", fault["fault"]);
    }
}
