//! Losses, their reductions and their derivatives.

use cornu::losses::{self, Loss};
use cornu::{Error, Identifier};
use serde_json::{Value, json};

use crate::reading::*;

/// The loss of a case: an object with a config, or a name.
fn identifier(case: &Value) -> Identifier<dyn Loss> {
    match &case["config"] {
        Value::Null => text(&case["loss"]).into(),
        config => losses::deserialize(&json!({"class_name": case["loss"], "config": config})).unwrap(),
    }
}

#[test]
fn losses_and_their_derivatives_are_those_of_keras() {
    for (index, case) in items(&fixture("losses.json")).iter().enumerate() {
        let (y_true, y_pred) = (array(&case["y_true"]), array(&case["y_pred"]));
        let loss = identifier(case).resolve(&y_true.ty(), &y_pred.ty()).unwrap();
        let what = format!("case {index}, {} {}", text(&case["loss"]), case["config"]);
        if let config @ Value::Object(_) = &case["config"] {
            assert_eq!(&Value::Object(loss.config()), config, "{what}");
        }
        let mut inputs = vec![y_true, y_pred];
        inputs.extend(case["sample_weight"].is_object().then(|| array(&case["sample_weight"])));
        let values = evaluate(&inputs, |given| {
            let weight = given.get(2).copied();
            let value = losses::total(&*loss, given[0], given[1], weight, None).unwrap();
            vec![value, derivative(value.sum_all(), given[1])]
        });
        assert_close(&what, &values[0], &numbers(&case["value"]["data"]), 1e-5);
        assert_close(&format!("derivative of {what}"), &values[1], &numbers(&case["d_pred"]["data"]), 1e-5);
    }
}

/// Every loss with every reduction: plain, weighted, masked, both.
#[test]
fn reductions_of_all_losses_are_those_of_keras() {
    for case in items(&fixture("losses_reduced.json")) {
        let read = ["y_true", "y_pred", "sample_weight", "mask"].map(|key| array(&case[key]));
        for (reduction, expected) in case["values"].as_object().unwrap() {
            let mut written = case.clone();
            written["config"]["reduction"] = json!(reduction);
            let Identifier::Object(loss) = losses::deserialize(&written).unwrap() else {
                panic!("an object")
            };
            let values = evaluate(&read, |given| {
                let [t, p, weight, mask] = given else { panic!("four inputs") };
                let forms =
                    [(None, None), (Some(*weight), None), (None, Some(*mask)), (Some(*weight), Some(*mask))];
                forms.map(|(weight, mask)| losses::total(&*loss, *t, *p, weight, mask).unwrap()).to_vec()
            });
            for (form, (value, expected)) in values.iter().zip(items(expected)).enumerate() {
                let what = format!("{} {}, form {form}", text(&case["class_name"]), written["config"]);
                assert_close(&what, value, &numbers(expected), 1e-5);
            }
        }
    }
}

#[test]
fn functions_of_ones_own_are_written_and_read_by_name() {
    let twice = losses::from_fn("pkg>twice", |t, p| Ok(losses::mean_squared_error(t, p)? * 2.0));
    let written = losses::serialize(&twice);
    let function = json!({
        "module": "builtins", "class_name": "function", "config": "pkg>twice", "registered_name": "function"
    });
    assert_eq!(written, function);
    let error = losses::deserialize(&written).unwrap_err().to_string();
    assert!(
        error.contains("`pkg>twice`, which is not one of Keras's") && error.contains("register_fn"),
        "{error}"
    );
    losses::register_fn("pkg>twice", |t, p| Ok(losses::mean_squared_error(t, p)? * 2.0));
    let summed = losses::serialize(&twice.reduction(losses::Reduction::Sum));
    for (written, name, expected) in [(written, "twice", 5.0), (summed, "twice", 10.0)] {
        let Identifier::Object(loss) = losses::deserialize(&written).unwrap() else { panic!("an object") };
        assert_eq!((loss.name().as_str(), losses::serialize(&*loss)), (name, written));
        let (t, p) = (floats(&[2], vec![0.0, 0.0]), floats(&[2, 1], vec![1.0, 2.0]));
        let values =
            evaluate(&[t, p], |given| vec![losses::total(&*loss, given[0], given[1], None, None).unwrap()]);
        assert_close("twice", &values[0], &[expected], 1e-6);
    }
    // By its name it is a metric too, reported under the very string.
    let named = cornu::metrics::MetricIdentifier::from("pkg>twice");
    let ty = floats(&[1], vec![0.0]).ty();
    assert_eq!(named.resolve(&ty, &ty).unwrap().1.name(), "pkg>twice");
}

#[test]
fn shapes_that_only_broadcasting_would_fit_are_refused() {
    let pairs: [(&str, &[usize], &[usize]); 5] = [
        ("mse", &[5, 3], &[5, 1]),
        ("mse", &[5], &[5, 3]),
        ("bce", &[4, 1], &[5, 1]),
        ("categorical_crossentropy", &[5, 1], &[5, 3]),
        ("sparse_categorical_crossentropy", &[5, 3], &[5, 3]),
    ];
    for (name, left, right) in pairs {
        let zeros = |shape: &[usize]| floats(shape, vec![0.0; shape.iter().product()]);
        evaluate(&[zeros(left), zeros(right)], |given| {
            let refused = losses::get(name).unwrap().call(given[0], given[1]);
            assert!(matches!(refused, Err(Error::Shapes { .. })), "{name} {left:?} {right:?}");
            vec![given[0]]
        });
    }
}

/// Keras 3.15.1's values with each reduction: of a mask, of a mask and weights, of a class that is ignored, of that and
/// weights.
const MASKED: [(&str, [f64; 4]); 3] = [
    ("sum_over_batch_size", [2.5, 4.5, 0.45814538, 0.6812889]),
    ("sum", [5.0, 9.0, 0.9162907, 1.3625778]),
    ("mean_with_sample_weight", [2.5, 3.0, 0.45814535, 0.34064445]),
];

#[test]
fn masks_count_only_what_is_valid() {
    let (y_true, y_pred) = (floats(&[4, 1], vec![0.0; 4]), floats(&[4, 1], vec![1.0, 2.0, 3.0, 4.0]));
    let (mask, weight) = (floats(&[4], vec![1.0, 1.0, 0.0, 0.0]), floats(&[4], vec![1.0, 2.0, 3.0, 4.0]));
    let labels = floats(&[3], vec![0.0, -1.0, 1.0]);
    let classes = floats(&[3, 2], vec![0.5, 0.5, 0.1, 0.9, 0.2, 0.8]);
    for (reduction, expected) in MASKED {
        let reduction = reduction.parse().unwrap();
        let squared = losses::MeanSquaredError::new().reduction(reduction);
        let sparse = losses::SparseCategoricalCrossentropy::new().ignore_class(Some(-1)).reduction(reduction);
        let inputs = [&y_true, &y_pred, &mask, &weight, &labels, &classes].map(Clone::clone);
        let values = evaluate(&inputs, |given| {
            let [t, p, mask, weight, labels, classes] = given else { panic!("six inputs") };
            let mask = Some(mask.ne(mask.number(0.0)));
            let three = weight.slice_axis(0, 0, 3);
            vec![
                losses::total(&squared, *t, *p, None, mask).unwrap(),
                losses::total(&squared, *t, *p, Some(*weight), mask).unwrap(),
                losses::total(&sparse, *labels, *classes, None, None).unwrap(),
                losses::total(&sparse, *labels, *classes, Some(three), None).unwrap(),
            ]
        });
        for (value, expected) in values.iter().zip(expected) {
            assert_close(&format!("{reduction:?}"), value, &[expected], 1e-6);
        }
    }
}

#[test]
fn unknown_losses_are_answered_with_the_nearest() {
    let error = losses::get("mean_square_error").unwrap_err().to_string();
    assert!(error.contains("did you mean `mean_squared_error`?"), "{error}");
}
