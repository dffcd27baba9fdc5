//! Initializers: configs, fixed values, and the statistics of the random ones.

use cornu::initializers;
use cornu_ir::{DType, Type};
use serde_json::{Map, Value};

use crate::reading::*;

/// Keras's form without the axes that are not set: older Keras does not know them.
fn without_unset_axes(mut object: Value) -> Value {
    if let Some(config) = object["config"].as_object_mut() {
        let set = |key: &String, value: &Value| !(key.ends_with("put_axes") && value.is_null());
        *config = Map::from_iter(config.clone().into_iter().filter(|(key, value)| set(key, value)));
    }
    object
}

#[test]
fn names_mean_what_they_mean_in_keras() {
    let fixture = fixture("initializers.json");
    for (alias, expected) in fixture["aliases"].as_object().unwrap() {
        let initializer = initializers::get(alias).unwrap();
        let written = initializers::serialize(&*initializer);
        assert_eq!(written, without_unset_axes(expected.clone()), "{alias}");
        let read = initializers::deserialize(expected).unwrap();
        assert_eq!(initializers::serialize(&*read), written, "{alias}");
        let keras2 = serde_json::json!({"class_name": expected["class_name"], "config": expected["config"]});
        assert_eq!(
            initializers::serialize(&*initializers::deserialize(&keras2).unwrap()),
            written,
            "{alias}"
        );
    }
    assert!(initializers::get("glorot").is_err());
}

#[test]
fn fixed_values_are_those_of_keras() {
    for case in items(&fixture("initializers.json")["fixed"]) {
        let expected = array(&case["value"]);
        let mut object = case["initializer"].clone();
        // Keras forgets the gain when it writes; the value remembers it.
        if object["class_name"] == "Identity" {
            object["config"]["gain"] = serde_json::json!(expected.floats()[0]);
        }
        let value = initializers::deserialize(&object).unwrap().generate(&expected.ty(), 0).unwrap();
        assert_close(&case["initializer"].to_string(), &value, &expected.floats(), 1e-6);
    }
}

#[test]
fn random_values_have_the_statistics_of_keras() {
    for case in items(&fixture("initializers.json")["random"]) {
        let initializer = initializers::deserialize(&case["initializer"]).unwrap();
        let what = format!("{} {}", case["initializer"], case["shape"]);
        let ty = Type::new(DType::F32, sizes(&case["shape"]));
        let values = initializer.generate(&ty, 17).unwrap().floats();
        assert_ne!(values, initializer.generate(&ty, 18).unwrap().floats(), "{what}");
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let stddev = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        let expected = number(&case["stddev"]);
        assert!((stddev / expected - 1.0).abs() < 0.03, "{what}: stddev {stddev}, Keras {expected}");
        // Five standard errors of our mean, and as many of Keras's.
        let error = 10.0 * expected / count.sqrt();
        assert!((mean - number(&case["mean"])).abs() < error, "{what}: mean {mean}, Keras {}", case["mean"]);
        if let Value::Array(_) = &case["support"] {
            let support = numbers(&case["support"]);
            let (low, high) = (f64::from(support[0] as f32), f64::from(support[1] as f32));
            assert!(values.iter().all(|v| (low..=high).contains(v)), "{what}");
            let reached = values.iter().cloned().fold(f64::MIN, f64::max);
            assert!(reached > high - 0.01 * (high - low), "{what}: {reached} of {high}");
        }
    }
}

#[test]
fn orthogonal_values_are_orthogonal() {
    for case in items(&fixture("initializers.json")["orthogonal"]) {
        let initializer = initializers::deserialize(&case["initializer"]).unwrap();
        let ty = array(&case["value"]).ty();
        let values = initializer.generate(&ty, 3).unwrap().floats();
        let columns = *ty.shape.last().unwrap();
        let rows = values.len() / columns;
        let by_rows = text(&case["orthogonal"]) == "rows";
        let (count, size) = if by_rows { (rows, columns) } else { (columns, rows) };
        let at = |vector: usize, i: usize| {
            if by_rows { values[vector * columns + i] } else { values[i * columns + vector] }
        };
        for (a, b) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))) {
            let product: f64 = (0..size).map(|i| at(a, i) * at(b, i)).sum();
            let expected = if a == b { number(&case["gain"]).powi(2) } else { 0.0 };
            assert!((product - expected).abs() < 1e-5, "{case}: {a}·{b} is {product}");
        }
    }
}

#[test]
fn a_seed_of_its_own_gives_the_same_values_at_every_call() {
    let ty = Type::new(DType::F32, [3, 4]);
    let object = serde_json::json!({"class_name": "GlorotUniform", "config": {"seed": 7}});
    let own = initializers::deserialize(&object).unwrap();
    assert_eq!(own.generate(&ty, 1).unwrap(), own.generate(&ty, 2).unwrap());
    // These bits are part of what a seed means: they must not change.
    let first: Vec<f64> = own.generate(&ty, 0).unwrap().floats()[..2].to_vec();
    assert_eq!(first, [0.8417503237724304, 0.4631918668746948]);
}

#[test]
fn arrays_are_constants() {
    let object = serde_json::json!({
        "class_name": "Constant",
        "config": {"value": {"class_name": "__numpy__", "config": {"value": [[1.0, 2.0], [3.0, 4.0]], "dtype": "float32"}}},
    });
    let constant = initializers::deserialize(&object).unwrap();
    let value = constant.generate(&Type::new(DType::F32, [2, 2]), 0).unwrap();
    assert_eq!(value.floats(), [1.0, 2.0, 3.0, 4.0]);
    assert!(constant.generate(&Type::new(DType::F32, [4]), 0).is_err());
    assert_eq!(initializers::serialize(&*constant)["config"], object["config"]);
    let ragged = serde_json::json!({"class_name": "Constant", "config": {"value": [[1.0], [2.0, 3.0]]}});
    assert!(initializers::deserialize(&ragged).is_err());
}
