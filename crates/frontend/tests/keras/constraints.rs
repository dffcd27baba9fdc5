//! Constraints, against values that Keras 3.15.1 gave for one matrix.

use cornu::constraints;
use serde_json::{Value, json};

use crate::reading::*;

const MATRIX: [f64; 6] = [3.0, -1.0, 0.0, 4.0, 0.5, 0.0];

fn projected(class_name: &str, config: Value) -> Vec<f64> {
    let constraint = constraints::deserialize(&json!({"class_name": class_name, "config": config})).unwrap();
    let values = evaluate(&[floats(&[2, 3], MATRIX.to_vec())], |given| vec![constraint.project(given[0])]);
    values[0].floats()
}

#[test]
fn weights_are_moved_as_in_keras() {
    CASES.iter().for_each(|(class_name, config, expected)| {
        let config: Value = serde_json::from_str(config).unwrap();
        let got = floats(&[6], projected(class_name, config));
        assert_close(class_name, &got, expected, 1e-6);
    });
}

#[test]
fn configs_are_those_of_keras() {
    for (name, config) in [
        ("max_norm", json!({"max_value": 2.0, "axis": 0})),
        ("UnitNorm", json!({"axis": 0})),
        ("min_max_norm", json!({"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0})),
        ("non_neg", json!({})),
    ] {
        assert_eq!(constraints::serialize(&*constraints::get(name).unwrap())["config"], config, "{name}");
    }
    let several = json!({"class_name": "MaxNorm", "config": {"max_value": 3, "axis": [0, 1]}});
    let several = constraints::deserialize(&several).unwrap();
    assert_eq!(several.config()["axis"], json!([0, 1]));
}

/// Class, arguments, result.
const CASES: [(&str, &str, [f64; 6]); 8] = [
    ("MaxNorm", r#"{"max_value": 2, "axis": 0}"#, [1.2, -0.9999999, 0.0, 1.6, 0.49999994, 0.0]),
    ("MaxNorm", r#"{"max_value": 1.5, "axis": 1}"#, [1.4230249, -0.47434163, 0.0, 1.4884168, 0.1860521, 0.0]),
    (
        "MaxNorm",
        r#"{"max_value": 2.0, "axis": [0, 1]}"#,
        [1.1710801, -0.39036003, 0.0, 1.5614401, 0.19518001, 0.0],
    ),
    ("UnitNorm", r#"{"axis": 0}"#, [0.6, -0.89442706, 0.0, 0.8, 0.44721353, 0.0]),
    ("UnitNorm", r#"{"axis": -1}"#, [0.94868326, -0.31622776, 0.0, 0.99227786, 0.12403473, 0.0]),
    (
        "MinMaxNorm",
        r#"{"min_value": 2.0, "max_value": 3.0, "rate": 1.0, "axis": 0}"#,
        [1.8000001, -1.7888541, 0.0, 2.4, 0.89442706, 0.0],
    ),
    (
        "MinMaxNorm",
        r#"{"min_value": 2.0, "max_value": 3.0, "rate": 0.5, "axis": 1}"#,
        [2.923025, -0.97434163, 0.0, 3.488417, 0.4360521, 0.0],
    ),
    ("NonNeg", r#"{}"#, [3.0, 0.0, 0.0, 4.0, 0.5, 0.0]),
];
