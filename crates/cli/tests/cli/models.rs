//! Every command on models that Keras wrote, held against Keras's numbers.

use serde_json::Value;

use crate::fixture::{array, assert_close, floats, json, numbers, path};
use crate::folder::{self, Folder};

/// A folder with `x.npy`, and `t.npy` where the model was trained further.
fn folder_of(stem: &str) -> (Folder, Value) {
    let (folder, numbers) = (Folder::new(), numbers(stem));
    folder.write("x.npy", array(&numbers["x"]));
    if let Some(target) = numbers.pointer("/continue/y") {
        folder.write("t.npy", array(target));
    }
    if let Some(weights) = numbers.pointer("/continue/sample_weight") {
        folder.write("w.npy", array(weights));
    }
    (folder, numbers)
}

fn model(file: &str) -> String {
    path(&format!("models/{file}")).display().to_string()
}

fn assert_predicts(folder: &Folder, model: &str, numbers: &Value) {
    folder.succeed(&format!("predict {model} --input x.npy --output y.npy --batch-size 3"));
    let (shape, items) = folder::floats(&folder.read("y.npy"));
    let sizes: Vec<f64> = shape.iter().map(|&size| size as f64).collect();
    assert_eq!(sizes, floats(&numbers["y"]["shape"]));
    let items: Vec<f64> = items.into_iter().map(f64::from).collect();
    assert_close(model, &items, &floats(&numbers["y"]["data"]), 1e-5);
}

#[test]
fn predict_says_what_keras_says() {
    for file in ["nested.keras", "nested.h5", "integer_input.keras", "train_adam.h5", "deferred.keras"] {
        let (folder, numbers) = folder_of(file.split('.').next().expect("a stem"));
        assert_predicts(&folder, &model(file), &numbers);
        assert!(folder.names().iter().all(|name| name.ends_with(".npy")), "{file}: {:?}", folder.names());
    }
}

#[test]
fn fit_continues_where_keras_stopped() {
    for file in ["train_adam.keras", "train_adam.h5", "train_weighted_regression.keras"] {
        let (folder, numbers) = folder_of(file.split('.').next().expect("a stem"));
        let plan = &numbers["continue"];
        let weights = if plan.get("sample_weight").is_some() { "--sample-weight w.npy" } else { "" };
        let (epochs, batch, split) = (&plan["epochs"], &plan["batch_size"], &plan["validation_split"]);
        let split = if split.is_null() { "0.0".to_string() } else { split.to_string() };
        let printed = folder.succeed(&format!(
            "fit {} --input x.npy --target t.npy --epochs {epochs} --batch-size {batch} --no-shuffle \
             --validation-split {split} {weights} --save out.keras --json",
            model(file)
        ));
        let history: Value = serde_json::from_str(&printed).expect("one object");
        for (name, expected) in plan["history"].as_object().expect("lists by name") {
            assert_close(&format!("{file}: {name}"), &floats(&history[name]), &floats(expected), 1e-3);
        }
        let printed = folder.succeed("evaluate out.keras --input x.npy --target t.npy --json");
        let logs: Value = serde_json::from_str(&printed).expect("one object");
        assert!(logs["loss"].as_f64().is_some_and(f64::is_finite), "{logs}");
    }
}

#[test]
fn evaluate_reports_loss_and_metrics() {
    let (folder, _) = folder_of("train_adam");
    let line = format!("evaluate {} --input x.npy --target t.npy", model("train_adam.keras"));
    let logs: Value = serde_json::from_str(&folder.succeed(&format!("{line} --json"))).expect("one object");
    assert!(logs["loss"].as_f64().is_some_and(|loss| loss > 0.0), "{logs}");
    assert!(folder.succeed(&line).lines().any(|line| line.starts_with("loss: ")));
}

#[test]
fn summary_counts_parameters() {
    let text = Folder::new().succeed(&format!("summary {}", model("train_adam.keras")));
    for part in ["dense_1", "Total params: 227", "Trainable params: 75", "Non-trainable params: 0"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn explain_lists_kernels() {
    let text = Folder::new().succeed(&format!("explain {} --batch-size 8", model("train_adam.keras")));
    for part in ["parameters", "GFLOP/s", "of limit", "dense", "dot[1x 8x", "total"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn converted_models_say_the_same() {
    let (folder, numbers) = folder_of("nested");
    folder.succeed(&format!("convert {} a.h5", model("nested.keras")));
    folder.succeed("convert a.h5 b.keras");
    folder.succeed("convert b.keras c.weights.h5");
    assert_predicts(&folder, "b.keras", &numbers);
    folder.fail("convert c.weights.h5 d.keras");
    folder.fail("predict c.weights.h5 --input x.npy --output z.npy");
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let (folder, _) = folder_of("train_adam");
    let model = model("train_adam.keras");
    folder.write("narrow.npy", folder::npy(&[4, 3], &[0.0; 12]));
    folder.write("flat.npy", folder::npy(&[5], &[0.0; 5]));
    folder.write("scalar.npy", folder::npy(&[], &[0.0]));
    folder.write("short.npy", folder::npy(&[2], &[0.0; 2]));
    folder.write("text.npy", folder::npy_of("<U1", &[1], b"a\0\0\0"));
    folder.write("junk.npz", b"PK\x03\x04 and no more");
    for x in ["narrow.npy", "flat.npy", "scalar.npy", "text.npy", "junk.npz"] {
        let line = folder.fail(&format!("predict {model} --input {x} --output y.npy"));
        assert!(line.contains(x), "{line}");
    }
    for t in ["short.npy", "text.npy", "scalar.npy"] {
        folder.fail(&format!("evaluate {model} --input x.npy --target {t} --json"));
        folder.fail(&format!("fit {model} --input x.npy --target {t} --epochs 1 --save out.keras --json"));
    }
    folder.fail(&format!("evaluate {} --input x.npy --target t.npy --json", self::model("nested.keras")));
}

#[test]
fn broken_models_are_refused() {
    let folder = Folder::new();
    folder.write("x.npy", folder::npy(&[2, 3], &[0.0; 6]));
    for fault in json("bad/faults.json").as_array().expect("a list") {
        let file = path(&format!("bad/{}", fault["file"].as_str().expect("a name"))).display().to_string();
        // What Keras takes may be taken here too, but nothing may be left outside of the folder.
        if fault["keras"].is_null() {
            folder.run(&format!("summary {file}"));
            continue;
        }
        folder.fail(&format!("summary {file}"));
        folder.fail(&format!("predict {file} --input x.npy --output y.npy"));
    }
}
