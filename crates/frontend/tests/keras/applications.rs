//! Networks that are known by name: layer by layer as in Keras, and saying the same with the same weights.

use cornu::applications::{MobileNetV2, Pooling, ResNet50, ResNet101};
use cornu::{Model, Tensor};
use ndarray::Array4;
use serde_json::{Value, json};

use crate::reading::*;

/// The model of a case.
fn model(name: &str) -> cornu::Result<Model> {
    match name {
        "mobilenet_v2" => MobileNetV2::new().classifier_activation("linear").build(),
        "mobilenet_v2_small" => {
            let small = MobileNetV2::new().alpha(0.35).input_shape([45, 64, 1]);
            small.classes(3).classifier_activation("linear").build()
        }
        "mobilenet_v2_wide" => {
            MobileNetV2::new().alpha(1.4).input_shape([96, 96, 3]).include_top(false).build()
        }
        "resnet50" => ResNet50::new().classifier_activation("linear").build(),
        "resnet101" => {
            let features = ResNet101::new().input_shape([70, 64, 3]).include_top(false);
            features.pooling(Pooling::Max).build()
        }
        other => panic!("no model for {other}"),
    }
}

#[test]
fn applications_are_those_of_keras() {
    for case in items(&fixture("applications.json")) {
        let name = text(&case["name"]);
        let mut model = model(name).unwrap();
        assert_eq!(model.name(), text(&case["model"]));
        assert_eq!(model.count_params() as f64, number(&case["parameters"]), "{name}");
        let layers: Vec<Value> =
            model.layers().iter().map(|layer| json!([layer.class_name(), layer.name()])).collect();
        let expected: Vec<Value> =
            items(&case["layers"]).iter().map(|layer| json!([layer[0], layer[1]])).collect();
        assert_eq!(layers, expected, "{name}");

        let weights = model.get_weights().unwrap();
        let weights: Vec<Tensor> =
            weights.iter().enumerate().map(|(number, weight)| formula(number, weight)).collect();
        model.set_weights(&weights).unwrap();
        let shape = sizes(&case["layers"][0][2]);
        let said = model.predict(image(&shape)).unwrap();
        let step = (said.len() / 50).max(1);
        let said: Vec<f32> = said.iter().copied().step_by(step).collect();
        let said = Tensor::new(&[said.len()][..], said).unwrap();
        near(name, &said, &case["prediction"], 1e-4).unwrap();
    }
}

/// As `weight` of the recipe.
fn formula(number: usize, weight: &Tensor) -> Tensor {
    let shape = weight.shape();
    let (fan_in, centre) = match shape.split_last() {
        Some((_, rest)) if !rest.is_empty() => (rest.iter().product::<usize>() as f64, 0.0),
        _ => (16.0, 1.0),
    };
    let width = (12.0 / fan_in).sqrt();
    let value = |place: usize| {
        let spread = ((place * 40503 + number * 26544357) % 1021) as f64 / 1021.0 - 0.5;
        (centre + spread * width) as f32
    };
    Tensor::new(shape.clone(), (0..shape.elements()).map(value).collect()).unwrap()
}

/// As `image` of the recipe.
fn image(shape: &[usize]) -> ndarray::ArrayD<f32> {
    let value = |place: usize| ((place * 7919 % 1013) as f64 / 1013.0) as f32;
    let values = (0..shape.iter().product()).map(value).collect();
    Array4::from_shape_vec((1, shape[0], shape[1], shape[2]), values).unwrap().into_dyn()
}

#[test]
fn images_that_are_too_small_are_refused() {
    let error = ResNet50::new().input_shape([224, 31, 3]).build().map(drop).unwrap_err().to_string();
    assert!(error.contains("input_shape") && error.contains("at least 32"), "{error}");
}
