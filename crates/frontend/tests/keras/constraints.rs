//! Constraints: what each makes of one weight.

use cornu::constraints;
use serde_json::json;

use crate::reading::*;

#[test]
fn weights_are_moved_as_in_keras() {
    let fixture = fixture("constraints.json");
    for case in items(&fixture["cases"]) {
        let constraint = constraints::deserialize(&case["config"]).unwrap();
        let values = evaluate(&[array(&fixture["weight"])], |given| vec![constraint.project(given[0])]);
        assert_close(&case["config"].to_string(), &values[0], &numbers(&case["value"]["data"]), 1e-6);
        let written = constraints::serialize(&*constraint);
        let again = constraints::deserialize(&written).unwrap();
        assert_eq!(constraints::serialize(&*again), written);
    }
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
