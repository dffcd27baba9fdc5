//! Optimizers: the path of two weights under eight gradients, with every common argument.

use cornu::optimizers::{self, LearningRate, Optimizer, Step};
use cornu_ir::{DType, Tensor, Type};
use serde_json::{Value, json};

use crate::reading::*;

/// Iterations, learning rate, weights and slots after a step.
fn stepped(optimizer: &dyn Optimizer, state: &[Tensor], gradients: &[Tensor]) -> Vec<Tensor> {
    let count = gradients.len();
    let inputs: Vec<Tensor> = state.iter().chain(gradients).cloned().collect();
    evaluate(&inputs, |given| {
        let (state, gradients) = given.split_at(given.len() - count);
        let step = Step { iterations: state[0], learning_rate: state[1] };
        let (weights, slots) = state[2..].split_at(count);
        let gradients: Vec<_> = gradients.iter().copied().map(Some).collect();
        let (weights, slots) = optimizer.apply(&step, weights, &gradients, slots).unwrap();
        [step.iterations + 1.0, step.learning_rate].into_iter().chain(weights).chain(slots).collect()
    })
}

/// Keras's order: iteration, learning rate unless it is computed, slots.
fn stored(optimizer: &dyn Optimizer, state: &[Tensor]) -> Vec<Tensor> {
    let rate = match optimizer.common().learning_rate {
        LearningRate::Fixed(_) => &state[1..2],
        LearningRate::Schedule(_) => &[],
    };
    state[..1].iter().chain(rate).chain(&state[4..]).cloned().collect()
}

#[test]
fn optimizers_go_the_way_of_keras() {
    let fixture = fixture("optimizers.json");
    let start: Vec<Tensor> = items(&fixture["start"]).iter().map(array).collect();
    let types: Vec<Type> = start.iter().map(Tensor::ty).collect();
    for case in items(&fixture["cases"]) {
        let name = text(&case["name"]);
        let optimizer = optimizers::deserialize(&case["config"]).unwrap();
        assert_eq!(optimizers::serialize(&*optimizer), case["config"], "{name}");
        let slots = optimizer.slots(&types);
        let mut state = vec![Tensor::scalar(0i32), Tensor::scalar(optimizer.learning_rate() as f32)];
        state.extend(start.iter().cloned());
        state.extend(slots.iter().map(|slot| Tensor::zeros(&slot.ty)));
        for (step, (gradients, expected)) in
            items(&fixture["gradients"]).iter().zip(items(&case["steps"])).enumerate()
        {
            let gradients: Vec<Tensor> =
                items(gradients).iter().zip(&types).map(|(g, ty)| floats(&ty.shape, numbers(g))).collect();
            state = stepped(&*optimizer, &state, &gradients);
            for (weight, expected) in state[2..4].iter().zip(items(expected)) {
                assert_close(&format!("{name}, step {step}"), weight, &numbers(expected), 1e-5);
            }
        }
        let variables = items(&case["variables"]);
        let stored = stored(&*optimizer, &state);
        assert_eq!(stored.len(), variables.len(), "{name}");
        for (value, variable) in stored.iter().zip(variables) {
            let what = format!("{name}, {}", variable["path"]);
            assert_eq!(value.shape().to_vec(), sizes(&variable["shape"]), "{what}");
            assert_close(&what, value, &numbers(&variable["data"]), 1e-5);
        }
        for (slot, variable) in slots.iter().rev().zip(variables.iter().rev()) {
            let path = format!(
                "{}/weight_{}_{}",
                text(&case["config"]["config"]["name"]),
                slot.weight.unwrap(),
                slot.name
            );
            assert_eq!(path, text(&variable["path"]), "{name}");
        }
    }
}

#[test]
fn names_and_old_forms_are_read() {
    for name in ["adam", "Adam", "rmsprop", "RMSprop", "sgd", "SGD", "adamw"] {
        assert!(optimizers::get(name).unwrap().class_name().eq_ignore_ascii_case(name));
    }
    assert!(optimizers::get("adm").unwrap_err().to_string().contains("did you mean `adam`?"));
    let keras2 = json!({"class_name": "Custom>Adam", "config": {"lr": 0.01, "decay": 0.5, "is_legacy_optimizer": false}});
    let optimizer = optimizers::deserialize(&keras2).unwrap();
    assert!(matches!(optimizer.common().learning_rate, LearningRate::Schedule(_)));
    assert_eq!(optimizer.learning_rate(), 0.01);
}

#[test]
fn arguments_that_make_no_sense_name_class_and_key() {
    let cases: [(Value, &str); 4] = [
        (json!({"learning_rate": -1.0}), "learning_rate"),
        (json!({"clipnorm": 1.0, "clipvalue": 1.0}), "clipnorm"),
        (json!({"gradient_accumulation_steps": 1}), "gradient_accumulation_steps"),
        (json!({"momentum": 2.0}), "momentum"),
    ];
    for (config, key) in cases {
        let error =
            optimizers::deserialize(&json!({"class_name": "SGD", "config": config})).unwrap_err().to_string();
        assert!(error.starts_with(&format!("SGD: `{key}` must be ")), "{error}");
    }
}

#[test]
fn a_weight_without_gradient_stays() {
    let optimizer = optimizers::Adam::new().weight_decay(0.1);
    let weight = floats(&[2], vec![1.0, 2.0]);
    let slots: Vec<Tensor> =
        optimizer.slots(&[weight.ty(), weight.ty()]).iter().map(|slot| Tensor::zeros(&slot.ty)).collect();
    let mut inputs = vec![Tensor::scalar(0i32), Tensor::scalar(0.5f32), weight.clone(), weight];
    inputs.extend(slots);
    let values = evaluate(&inputs, |given| {
        let step = Step { iterations: given[0], learning_rate: given[1] };
        let none = optimizer.apply(&step, &given[2..4], &[None, None], &given[4..]);
        assert!(none.err().unwrap().to_string().contains("nothing to train"));
        optimizer.apply(&step, &given[2..4], &[None, Some(given[3])], &given[4..]).unwrap().0
    });
    assert_eq!(values[0].floats(), [1.0, 2.0]);
    assert_ne!(values[1].floats(), [1.0, 2.0]);
    assert_eq!(values[1].dtype(), DType::F32);
}
