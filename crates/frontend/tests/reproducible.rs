//! Same seed, same bits: weights after a training are byte-equal for any number of threads and from run to run.

use std::process::Command;

use cornu::{
    Apply, BatchNormalization, Compile, Concatenate, Conv2D, DType, Dense, Dropout, Embedding, Fit, Flatten,
    Input, LSTM, MaxPooling2D, Model, Sequential, Verbose, input,
};
use cornu_ir::Data;
use ndarray::{Array1, Array2, Array4};

/// Set in the process that trains.
const TRAINS: &str = "CORNU_TEST_TRAINS";

/// Dense layers, trained for 100 steps.
fn train_dense() {
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
    print_bits(&model);
}

/// Images beside sequences, trained for 20 steps.
fn train_images_and_words() {
    cornu::set_random_seed(12);
    let images = Array4::from_shape_fn((128, 12, 12, 3), |(i, j, k, l)| {
        ((i * 37 + j * 11 + k * 7 + l) % 97) as f32 / 97.0
    });
    let words = Array2::from_shape_fn((128, 9), |(i, j)| ((i * 13 + j * 29) % 50) as i32);
    let y: Array1<i32> = (0..128).map(|i| i * i % 4).collect();
    let (image, text) = (input([12, 12, 3]), Input::new([9]).dtype(DType::I32).symbol());
    let seen = Conv2D::new(16, 3).activation("relu").apply(&image);
    let seen = MaxPooling2D::new(2).apply(BatchNormalization::new().apply(&seen));
    let read = LSTM::new(24).dropout(0.2).apply(Embedding::new(50, 16).mask_zero(true).apply(&text));
    let both = Concatenate::new().apply([&Flatten::new().apply(&seen), &read]);
    let class = Dense::new(4).activation("softmax").apply(&both);
    let mut model = Model::new([&image, &text], &class).expect("a model");
    model.compile(Compile::new("adam", "sparse_categorical_crossentropy")).expect("compiled");
    let how = Fit::new().epochs(5).batch_size(32).verbose(Verbose::Silent);
    model.fit((&images, &words), &y, how).expect("trained");
    print_bits(&model);
}

/// Prints all bits of the weights, as a sum that changes with each.
fn print_bits(model: &Model) {
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

/// What a process prints that runs this test's training on this many threads.
fn weights(test: &str, threads: usize) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([test, "--nocapture", "--exact"])
        .env(TRAINS, "1")
        .env("CORNU_THREADS", threads.to_string())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.split("weights:").nth(1).map(|rest| rest[..16].to_string());
    found.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// Trains, in the process that is to; else compares what such processes print.
fn same_for_all_threads(test: &str, train: fn()) {
    if std::env::var_os(TRAINS).is_some() {
        return train();
    }
    let one = weights(test, 1);
    for threads in [1, 2, 3, 7] {
        assert_eq!(weights(test, threads), one, "{threads} threads");
    }
}

#[test]
fn weights_do_not_depend_on_threads() {
    same_for_all_threads("weights_do_not_depend_on_threads", train_dense);
}

/// The same in 16 bits.
fn train_mixed() {
    cornu::set_dtype_policy("mixed_bfloat16").expect("a policy");
    train_images_and_words();
}

#[test]
fn nor_do_those_of_a_training_in_16_bits() {
    same_for_all_threads("nor_do_those_of_a_training_in_16_bits", train_mixed);
}

#[test]
fn nor_do_those_of_convolutions_statistics_embeddings_and_memories() {
    let test = "nor_do_those_of_convolutions_statistics_embeddings_and_memories";
    same_for_all_threads(test, train_images_and_words);
}
