//! One pass over memory: what the update of a weight reads and writes, against the least that it can.

use std::sync::Arc;

use cornu::optimizers::{self, Optimizer};
use cornu::{
    Adam, Compile, Dense, Input, KernelProfile, LossScaleOptimizer, Profile, SGD, Sequential, Tensor,
};
use serde_json::{Value, json};

/// Rows and columns of the weight. All else in the step is far smaller.
const SIDE: usize = 512;
const WEIGHT: u64 = 4 * (SIDE * SIDE) as u64;

/// The kernels of a training step of one layer without bias.
fn profile(optimizer: Arc<dyn Optimizer>) -> Profile {
    let layers = Sequential::new().add(Input::new([SIDE])).add(Dense::new(SIDE).use_bias(false));
    let mut model = layers.build().unwrap();
    model.compile(Compile::new(optimizer, "mse")).unwrap();
    let tensor = || Tensor::new([2, SIDE], vec![0.5; 2 * SIDE]).unwrap();
    model.profile_training(tensor(), tensor()).unwrap()
}

/// What the update moves, in sizes of the weight: all kernels that move as much as the weight but the first, which is
/// the forward pass and reads it.
fn moved(profile: &Profile) -> f64 {
    let is_large = |kernel: &&KernelProfile| kernel.bytes >= WEIGHT;
    let bytes: u64 = profile.kernels.iter().filter(is_large).skip(1).map(|kernel| kernel.bytes).sum();
    bytes as f64 / WEIGHT as f64
}

fn made(class: &str, config: Value) -> Arc<dyn Optimizer> {
    optimizers::deserialize(&json!({"class_name": class, "config": config})).unwrap()
}

/// Rules that take each element by itself, with how many slots they keep.
const ELEMENTWISE: [(&str, usize); 11] = [
    ("SGD", 0),
    ("RMSprop", 1),
    ("Adam", 2),
    ("AdamW", 2),
    ("Adadelta", 2),
    ("Adagrad", 1),
    ("Adamax", 2),
    ("Nadam", 2),
    ("Ftrl", 2),
    ("Lion", 1),
    ("ScheduleFreeAdamW", 2),
];

/// What common arguments move besides: norms need the gradient in memory, and a second look at it.
fn variations() -> Vec<(Value, usize)> {
    let decay =
        json!({"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 9}});
    vec![
        (json!({}), 0),
        (json!({"weight_decay": 0.1}), 0),
        (json!({"clipvalue": 1.0}), 0),
        (json!({"learning_rate": decay}), 0),
        // The average.
        (json!({"use_ema": true}), 2),
        (json!({"use_ema": true, "ema_overwrite_frequency": 3}), 2),
        // The gradient is written, and read twice.
        (json!({"clipnorm": 1.0}), 3),
        (json!({"global_clipnorm": 1.0}), 3),
        // In a step that changes the weights the sum, and the gradient, which other steps need not compute with.
        (json!({"gradient_accumulation_steps": 3}), 4),
    ]
}

fn assert_near_least(what: &str, optimizer: Arc<dyn Optimizer>, least: usize) {
    let profile = profile(optimizer);
    let moved = moved(&profile);
    assert!(moved <= 1.15 * least as f64, "{what}: {moved} of {least} at least\n{profile}");
}

#[test]
fn an_update_reads_and_writes_everything_once() {
    for (class, slots) in ELEMENTWISE {
        for (config, besides) in variations() {
            let what = format!("{class} {config}");
            assert_near_least(&what, made(class, config), 2 + 2 * slots + besides);
        }
        // The gradient is written, looked at, and read.
        let inner = made(class, json!({}));
        assert_near_least(class, Arc::new(LossScaleOptimizer::around(inner)), 2 + 2 * slots + 3);
    }
    let momentum = SGD::new().momentum(0.9).nesterov(true);
    assert_near_least("momentum", Arc::new(momentum), 4);
    assert_near_least("amsgrad", Arc::new(Adam::new().amsgrad(true)), 8);
}

#[test]
fn norms_of_weights_need_more_than_one_pass() {
    // Once both averages and a look at the weight, then averages, weight and what is written.
    assert_near_least("Lamb", made("Lamb", json!({})), 9);
    // Sums of rows and columns, of the step, and of the weight come before what they scale.
    let moved = moved(&profile(made("Adafactor", json!({}))));
    assert!(moved < 10.5, "{moved}");
}
