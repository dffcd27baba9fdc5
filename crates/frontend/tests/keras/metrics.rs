//! Metrics over three batches, named as `compile` takes them.

use cornu::metrics::{self, Metric, MetricIdentifier};
use cornu_ir::Tensor;
use serde_json::Value;

use crate::reading::*;

/// The result after each batch, each batch a program of its own.
fn measured(metric: &dyn Metric, batches: &Value, weighted: bool) -> Vec<Tensor> {
    let y_pred = array(&batches[0]["y_pred"]).ty();
    let initial =
        |spec: &metrics::StateSpec| Tensor::from_floats(&spec.ty, vec![spec.initial; spec.ty.elements()]);
    let mut state: Vec<Tensor> = metric.state(&y_pred).unwrap().iter().map(initial).collect();
    let mut results = Vec::new();
    for batch in items(batches) {
        let mut inputs = state.clone();
        inputs.extend(["y_true", "y_pred", "sample_weight"].map(|key| array(&batch[key])));
        let count = state.len();
        let mut outputs = evaluate(&inputs, |given| {
            let weight = weighted.then_some(given[count + 2]);
            let mut next = metric.update(&given[..count], given[count], given[count + 1], weight).unwrap();
            next.push(metric.result(&next).unwrap());
            next
        });
        results.extend(outputs.pop());
        state = outputs;
    }
    results
}

#[test]
fn metrics_are_those_of_keras() {
    let fixture = fixture("metrics.json");
    for case in items(&fixture["cases"]) {
        let batches = &fixture["data"][text(&case["data"])];
        let (y_true, y_pred) = (array(&batches[0]["y_true"]), array(&batches[0]["y_pred"]));
        let what = format!("{} of {}", text(&case["metric"]), text(&case["data"]));
        let identifier: MetricIdentifier = text(&case["metric"]).into();
        let (key, metric) = identifier.resolve(&y_true.ty(), &y_pred.ty()).unwrap();
        assert_eq!((key.as_str(), metric.class_name()), (text(&case["key"]), text(&case["class"])), "{what}");
        assert_eq!(&Value::Object(metric.config()), &case["config"], "{what}");
        assert_measures(&what, &*metric, case, batches);
        let again = metrics::deserialize(&metrics::serialize(&*metric)).unwrap();
        assert_eq!(again.resolve(&y_true.ty(), &y_pred.ty()).unwrap().1.config(), metric.config());
    }
}

#[test]
fn metrics_with_arguments_are_those_of_keras() {
    let fixture = fixture("metrics.json");
    for case in items(&fixture["objects"]) {
        let what = format!("{} {} of {}", text(&case["class_name"]), case["config"], text(&case["data"]));
        let MetricIdentifier::Object(metric) = metrics::deserialize(case).unwrap() else {
            panic!("an object")
        };
        assert_eq!(&Value::Object(metric.config()), &case["config"], "{what}");
        assert_measures(&what, &*metric, case, &fixture["data"][text(&case["data"])]);
        let written = metrics::serialize(&*metric);
        assert_eq!(
            (&written["module"], &written["class_name"]),
            (&"keras.metrics".into(), &case["class_name"]),
            "{what}"
        );
    }
}

/// Fails unless the metric gives a case's results after each batch, with and without weights.
fn assert_measures(what: &str, metric: &dyn Metric, case: &Value, batches: &Value) {
    for (form, weighted) in [("unweighted", false), ("weighted", true)] {
        let results = measured(metric, batches, weighted);
        assert_eq!(results.len(), items(&case[form]).len());
        for (index, (got, expected)) in results.iter().zip(items(&case[form])).enumerate() {
            assert_close(&format!("{form} {what}, batch {index}"), got, &numbers(expected), 1e-5);
        }
    }
}

#[test]
fn names_that_keras_refuses_are_refused() {
    let fixture = fixture("metrics.json");
    // We take these three: "crossentropy" and "ce" as Keras's losses and Keras 2 do, and labels [n] beside [n, 1].
    let taken = ["crossentropy", "ce", "binary_crossentropy"];
    for case in items(&fixture["refused"]) {
        let batches = &fixture["data"][text(&case["data"])];
        let (y_true, y_pred) = (array(&batches[0]["y_true"]), array(&batches[0]["y_pred"]));
        let name = text(&case["metric"]);
        let resolved = MetricIdentifier::from(name).resolve(&y_true.ty(), &y_pred.ty());
        assert_eq!(resolved.is_ok(), taken.contains(&name), "{name}");
        if let Err(error) = resolved {
            assert!(error.to_string().contains("did you mean"), "{error}");
        }
    }
}

/// The result of one batch.
fn once(metric: &dyn Metric, y_true: Tensor, y_pred: Tensor, weight: Option<Tensor>) -> f64 {
    let mut inputs: Vec<Tensor> =
        metric.state(&y_pred.ty()).unwrap().iter().map(|spec| Tensor::zeros(&spec.ty)).collect();
    let count = inputs.len();
    inputs.extend([y_true, y_pred]);
    inputs.extend(weight);
    let values = evaluate(&inputs, |given| {
        let weight = given.get(count + 2).copied();
        let next = metric.update(&given[..count], given[count], given[count + 1], weight).unwrap();
        vec![metric.result(&next).unwrap()]
    });
    values[0].floats()[0]
}

/// Expected values from Keras 3.15.1.
#[test]
fn weights_of_all_shapes_count_as_in_keras() {
    let counting = || floats(&[2, 3, 4], (0..24).map(f64::from).collect());
    let squared = metrics::MeanSquaredError::new();
    let weighted = |shape: &[usize], weight: &[f64]| {
        once(&squared, floats(&[2, 3, 4], vec![0.0; 24]), counting(), Some(floats(shape, weight.to_vec())))
    };
    assert_near(weighted(&[2], &[1.0, 2.0]), 226.16669);
    assert_near(weighted(&[2, 1], &[1.0, 2.0]), 226.16669);
    assert_near(weighted(&[2, 3], &[1.0, 0.0, 1.0, 2.0, 1.0, 0.0]), 153.9);

    let (labels, classes) =
        (floats(&[3], vec![0.0, -1.0, 1.0]), floats(&[3, 2], vec![0.5, 0.5, 0.1, 0.9, 0.2, 0.8]));
    let ignoring = metrics::SparseCategoricalCrossentropy::new().ignore_class(Some(-1));
    assert_near(once(&ignoring, labels.clone(), classes.clone(), None), 0.30543023);
    assert_near(once(&ignoring, labels, classes, Some(floats(&[3], vec![1.0, 2.0, 3.0]))), 0.34064445);

    let sorted = metrics::SparseTopKCategoricalAccuracy::new(1).from_sorted_ids(true);
    let ids = floats(&[3, 2], vec![0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
    assert_near(once(&sorted, floats(&[3], vec![0.0, 1.0, 1.0]), ids, None), 2.0 / 3.0);

    let six = floats(&[2, 3], (0..6).map(f64::from).collect());
    let sum = once(&metrics::Sum::default(), six.clone(), six, Some(floats(&[2], vec![1.0, 2.0])));
    assert_near(sum, 27.0);
}

fn assert_near(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-5 * expected.abs(), "{got}, Keras gives {expected}");
}

#[test]
fn a_wrapped_function_of_keras_2_is_read() {
    let written = serde_json::json!({
        "class_name": "MeanMetricWrapper",
        "config": {"name": "accuracy", "dtype": "float32", "fn": "sparse_categorical_accuracy"},
    });
    let MetricIdentifier::Object(metric) = metrics::deserialize(&written).unwrap() else {
        panic!("an object")
    };
    assert_eq!((metric.class_name(), metric.name().as_str()), ("SparseCategoricalAccuracy", "accuracy"));
    let written =
        serde_json::json!({"class_name": "MeanMetricWrapper", "config": {"name": "h", "fn": "huber"}});
    let MetricIdentifier::Object(metric) = metrics::deserialize(&written).unwrap() else {
        panic!("an object")
    };
    assert_eq!((metric.class_name(), metric.name().as_str()), ("MeanMetricWrapper", "h"));
}
