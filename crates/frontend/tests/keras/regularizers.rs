//! Regularizers: penalties and their derivatives.

use cornu::regularizers;

use crate::reading::*;

#[test]
fn penalties_and_their_derivatives_are_those_of_keras() {
    let fixture = fixture("regularizers.json");
    let x = array(&fixture["x"]);
    for case in items(&fixture["cases"]) {
        let what = format!("{} {}", case["given"], case["config"]);
        let regularizer = match case["given"].as_str() {
            Some(name) => regularizers::get(name).unwrap(),
            None => regularizers::deserialize(&case["config"]).unwrap(),
        };
        assert_eq!(regularizers::serialize(&*regularizer), case["config"], "{what}");
        let values = evaluate(std::slice::from_ref(&x), |given| {
            let penalty = regularizer.penalty(given[0]);
            vec![penalty, derivative(penalty, given[0])]
        });
        assert_close(&what, &values[0], &[number(&case["value"])], 1e-5);
        assert_close(&what, &values[1], &numbers(&case["dx"]["data"]), 1e-5);
    }
}

#[test]
fn wrong_factors_name_class_and_key() {
    let negative = serde_json::json!({"class_name": "L2", "config": {"l2": -1.0}});
    let error = regularizers::deserialize(&negative).unwrap_err().to_string();
    assert_eq!(error, "L2: `l2` must be a finite number that is not negative; it is -1.0");
}
