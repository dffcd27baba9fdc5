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
