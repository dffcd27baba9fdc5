//! Same seed, same bits: weights after a training are byte-equal for any number of threads and from run to run.

use std::process::Command;

use cornu::{Compile, Dense, Dropout, Fit, Input, Sequential, Verbose};
use cornu_ir::Data;
use ndarray::{Array1, Array2};

/// Set in the process that trains.
const TRAINS: &str = "CORNU_TEST_TRAINS";

/// Trains for 100 steps and prints all bits of the weights, as a sum that changes with each.
fn train() {
    cornu::set_random_seed(11);
    let x = Array2::from_shape_fn((320, 300), |(i, j)| ((i * 37 + j * 101) % 97) as f32 / 97.0 - 0.5);
    let y: Array1<i32> = (0..320).map(|i| i * i % 10).collect();
    let mut model = Sequential::new()
        .add(Input::new([300]))
        .add(Dense::new(256).activation("gelu").kernel_regularizer("l2"))
        .add(Dropout::new(0.3))
        .add(Dense::new(10).activation("softmax"))
        .build()
        .expect("a model");
    model
        .compile(Compile::new("adam", "sparse_categorical_crossentropy").metrics(["accuracy"]))
        .expect("compiled");
    model.fit(&x, &y, Fit::new().epochs(20).batch_size(64).verbose(Verbose::Silent)).expect("trained");
    let mut sum = 0u64;
    for weight in model.get_weights().expect("weights") {
        if let Data::F32(items) = weight.data() {
            for item in items {
                sum = (sum ^ u64::from(item.to_bits())).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }
    println!("weights:{sum:016x}");
}

/// What a process prints that trains on this many threads.
fn weights(threads: usize) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args(["weights_do_not_depend_on_threads", "--nocapture", "--exact"])
        .env(TRAINS, "1")
        .env("CORNU_THREADS", threads.to_string())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.split("weights:").nth(1).map(|rest| rest[..16].to_string());
    found.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn weights_do_not_depend_on_threads() {
    if std::env::var_os(TRAINS).is_some() {
        return train();
    }
    let one = weights(1);
    for threads in [1, 2, 3, 7] {
        assert_eq!(weights(threads), one, "{threads} threads");
    }
}
