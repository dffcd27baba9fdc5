//! Schedules, against values that Keras 3.15.1 gave.

use cornu::optimizers::Schedule;
use serde_json::Value;

use crate::reading::*;

/// The steps that are asked for.
const STEPS: [i32; 8] = [0, 1, 3, 5, 10, 17, 40, 100];

#[test]
fn schedules_are_those_of_keras() {
    for (object, expected) in CASES {
        let object: Value = serde_json::from_str(object).unwrap();
        let schedule = Schedule::deserialize(&object).unwrap();
        assert_eq!(schedule.serialize(), object);
        for (step, expected) in STEPS.into_iter().zip(expected) {
            let value = evaluate(&[cornu_ir::Tensor::scalar(step)], |given| vec![schedule.value(given[0])]);
            let got = value[0].floats()[0];
            assert!((got - expected).abs() < 1e-6, "{object} at {step}: {got}, Keras gives {expected}");
        }
    }
}

const CASES: [(&str, [f64; 8]); 11] = [
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": false, "name": "ExponentialDecay"}, "registered_name": null}"#,
        [0.1, 0.0933033, 0.08122524, 0.07071068, 0.05, 0.030778611, 0.00625, 9.765625e-05],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": true, "name": "ExponentialDecay"}, "registered_name": null}"#,
        [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.00625, 9.765625e-05],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "PiecewiseConstantDecay", "config": {"boundaries": [3, 10], "values": [0.1, 0.05, 0.01], "name": "PiecewiseConstant"}, "registered_name": null}"#,
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.01, 0.01, 0.01],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "PolynomialDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "power": 2.0, "cycle": false, "name": "PolynomialDecay"}, "registered_name": null}"#,
        [0.1, 0.091225, 0.075025, 0.060625, 0.0325, 0.012025, 0.01, 0.01],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "PolynomialDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "power": 0.5, "cycle": true, "name": "PolynomialDecay"}, "registered_name": null}"#,
        [0.1, 0.09772115, 0.0929759, 0.08794229, 0.07363961, 0.044856846, 0.01, 0.01],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": false, "name": "InverseTimeDecay"}, "registered_name": null}"#,
        [0.1, 0.095238104, 0.08695652, 0.08, 0.06666667, 0.054054055, 0.033333335, 0.016666668],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": true, "name": "InverseTimeDecay"}, "registered_name": null}"#,
        [0.1, 0.1, 0.1, 0.1, 0.06666667, 0.06666667, 0.033333335, 0.016666668],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 50, "alpha": 0.1, "name": "CosineDecay", "warmup_target": null, "warmup_steps": 0}, "registered_name": null}"#,
        [0.1, 0.099911205, 0.09920292, 0.09779754, 0.091405764, 0.07667892, 0.018594233, 0.010000001],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": {"initial_learning_rate": 0.0, "decay_steps": 30, "alpha": 0.1, "name": "CosineDecay", "warmup_target": 0.2, "warmup_steps": 10}, "registered_name": null}"#,
        [0.0, 0.020000001, 0.060000002, 0.1, 0.2, 0.17688303, 0.020000001, 0.020000001],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "CosineDecayRestarts", "config": {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 2.0, "m_mul": 0.8, "alpha": 0.1, "name": "SGDRDecay"}, "registered_name": null}"#,
        [0.1, 0.09657458, 0.07222076, 0.03777924, 0.079259664, 0.038976748, 0.038799997, 0.02023966],
    ),
    (
        r#"{"module": "keras.optimizers.schedules", "class_name": "CosineDecayRestarts", "config": {"initial_learning_rate": 0.1, "first_decay_steps": 8, "t_mul": 1.0, "m_mul": 0.8, "alpha": 0.0, "name": "SGDRDecay"}, "registered_name": null}"#,
        [0.1, 0.09619398, 0.06913417, 0.030865824, 0.06828427, 0.061564147, 0.032768004, 0.0034359742],
    ),
];
