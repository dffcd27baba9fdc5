//! Callbacks under made-up logs: what they count, when they stop, what they write.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use cornu::callbacks::{
    CSVLogger, Callback, EarlyStopping, LambdaCallback, ModelCheckpoint, ReduceLROnPlateau, Training,
};
use cornu::{Compile, Dense, Fit, Input, Logs, Model, Result, SGD, Sequential, Tensor, Verbose};
use serde_json::{Map, Value};

use crate::reading::*;

/// Stands first and replaces the logs of each epoch by others.
struct Say(Vec<Logs>);

impl Callback for Say {
    fn on_epoch_end(&mut self, _: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        *logs = self.0[epoch].clone();
        Ok(())
    }
}

fn model() -> Model {
    let mut model = Sequential::new().add(Input::new([1])).add(Dense::new(1)).build().unwrap();
    let metrics = ["accuracy", "mean_absolute_error"];
    let renamed = Compile::new(SGD::new().learning_rate(0.1), "mse").metrics(metrics);
    model.compile(renamed).unwrap();
    model
}

/// Trains under these logs, with callbacks behind them.
fn fit(logs: Vec<Logs>, callbacks: impl FnOnce(Fit) -> Fit) {
    let x = Tensor::new([4, 1], vec![0.0f32; 4]).unwrap();
    let how = Fit::new().epochs(logs.len()).batch_size(2).verbose(Verbose::Silent).callback(Say(logs));
    model().fit(&x, &x, callbacks(how)).unwrap();
}

fn logs_of(config: &Map<String, Value>, values: &Value) -> Vec<Logs> {
    let name = config.get("monitor").map_or("val_loss", text);
    let name = if name == "not_there" { "val_loss" } else { name };
    let logs = |value| Logs::new([("loss".to_string(), 0.0), (name.to_string(), value)]);
    numbers(values).into_iter().map(logs).collect()
}

/// Calls the builder method of each argument.
macro_rules! configured {
    ($made:expr, $config:expr; $($key:ident($read:expr)),*) => {{
        let mut made = $made;
        for (key, value) in $config {
            match key.as_str() {
                $(stringify!($key) => made = made.$key($read(value)),)*
                other => panic!("no argument `{other}`"),
            }
        }
        made
    }};
}

fn count(value: &Value) -> usize {
    number(value) as usize
}

fn truth(value: &Value) -> bool {
    value.as_bool().unwrap()
}

/// Trains, and compares what the callback remembers after each epoch and the learning rate with what Keras says.
fn compare<C: Callback + 'static>(
    case: &Value,
    callback: C,
    remembered: fn(&C) -> (usize, Option<f64>),
) -> Rc<RefCell<C>> {
    let config = case["config"].as_object().unwrap();
    let callback = Rc::new(RefCell::new(callback));
    let trace = Rc::new(RefCell::new(Vec::new()));
    let (seen, watched) = (trace.clone(), callback.clone());
    let watch = LambdaCallback::new().on_epoch_end(move |training, _, _| {
        let rate = training.model.learning_rate().unwrap();
        seen.borrow_mut().push((remembered(&watched.borrow()), rate));
    });
    fit(logs_of(config, &case["values"]), |how| how.callback(callback.clone()).callback(watch));
    let expected = items(&case["trace"]);
    assert_eq!(trace.borrow().len(), expected.len(), "{case}");
    for (epoch, (((wait, best), rate), expected)) in trace.borrow().iter().zip(expected).enumerate() {
        let what = format!("epoch {epoch} of {case}");
        assert_eq!(*wait, count(&expected[0]), "wait, {what}");
        let best_in_keras = (!expected[1].is_null()).then(|| number(&expected[1]));
        assert_eq!(best.map(f64::to_bits), best_in_keras.map(f64::to_bits), "best, {what}");
        let expected = number(&expected[2]);
        assert!((rate - expected).abs() <= 1e-6 * expected, "learning rate {rate}, {what}");
    }
    callback
}

#[test]
fn early_stopping_stops_where_keras_does() {
    for case in items(&fixture("callbacks.json")["early"]) {
        let config = case["config"].as_object().unwrap();
        let callback = configured!(EarlyStopping::new(), config; patience(count), min_delta(number),
            baseline(number), restore_best_weights(truth), start_from_epoch(count), monitor(text), mode(text));
        let done = compare(case, callback, |early| (early.wait(), early.best()));
        let done = done.borrow();
        assert_eq!(done.stopped_epoch().unwrap_or(0), count(&case["stopped_epoch"]), "{case}");
        assert_eq!(done.best_epoch(), count(&case["best_epoch"]), "{case}");
    }
}

#[test]
fn plateaus_reduce_the_learning_rate_as_in_keras() {
    for case in items(&fixture("callbacks.json")["plateau"]) {
        let config = case["config"].as_object().unwrap();
        let callback = configured!(ReduceLROnPlateau::new(), config; patience(count), factor(number),
            min_delta(number), cooldown(count), min_lr(number), monitor(text), mode(text));
        compare(case, callback, |plateau| (plateau.wait(), plateau.best()));
    }
}

/// Files below a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn checkpoints_have_the_names_of_keras() {
    for case in items(&fixture("callbacks.json")["files"]) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = case["config"].as_object().unwrap().clone();
        let path = config.shift_remove("filepath").unwrap();
        let path = format!("{}/{}", folder.path().display(), text(&path));
        let callback = configured!(ModelCheckpoint::new(path), &config; save_weights_only(truth),
            save_best_only(truth), initial_value_threshold(number), mode(text), monitor(text), save_freq(count));
        fit(logs_of(&config, &case["values"]), |how| how.callback(callback));
        let expected: Vec<&str> = items(&case["files"]).iter().map(text).collect();
        assert_eq!(files(folder.path()), expected, "{case}");
        let first = folder.path().join(expected[0]);
        match expected[0].ends_with(".weights.h5") {
            true => model().load_weights(first).unwrap(),
            false => drop(Model::load(first).unwrap()),
        }
    }
}

#[test]
fn csv_files_are_those_of_keras() {
    let fixture = &fixture("callbacks.json")["csv"];
    let logs = |logs: &Value| {
        let logs = logs.as_object().unwrap().iter();
        Logs::new(logs.map(|(name, value)| (name.clone(), number(value))))
    };
    let logs: Vec<Logs> = items(&fixture["logs"]).iter().map(logs).collect();
    for case in items(&fixture["cases"]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let separator =
            case["config"].get("separator").map_or(',', |letter| text(letter).chars().next().unwrap());
        fit(logs.clone(), |how| how.callback(CSVLogger::new(&path).separator(separator)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text(&case["text"]));
        // Lines are added without names.
        let added = CSVLogger::new(&path).separator(separator).append(true);
        fit(logs[..1].to_vec(), |how| how.callback(added));
        let lines = std::fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().count(), logs.len() + 2);
        assert!(lines.lines().last().unwrap().starts_with('0'));
    }
}
