//! Every example that learns from what it brings along runs, for one epoch.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An example's program, which `cargo test` builds beside this one.
fn program(example: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this program");
    let profile = tests.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX))
}

/// Runs an example for one epoch; it must say all of these.
fn says(example: &str, parts: &[&str]) {
    let output = Command::new(program(example)).arg("1").output().expect("the example is built");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    parts.iter().for_each(|part| assert!(said.contains(part), "no `{part}` in {said}"));
}

#[test]
fn mnist_convnet() {
    says("mnist_convnet", &["conv2d", "max_pooling2d", "held-out accuracy: "]);
}

#[test]
fn text_classification() {
    says("text_classification", &["text_vectorization", "embedding", "lstm", "% kind: The music was warm."]);
}

#[test]
fn mini_gpt() {
    says("mini_gpt", &["multi_head_attention", "The brook begins"]);
}

#[test]
fn autoencoder() {
    says("autoencoder", &["mean squared error on images it has not seen: ", "and from these"]);
}

#[test]
fn siamese() {
    says("siamese", &["left", "right", "accuracy on images it has not seen: "]);
}

#[test]
fn timeseries() {
    says("timeseries", &["lstm", "mean absolute error: "]);
}

#[test]
fn wgan() {
    says("wgan", &["the critic sees a gap of ", "off the ring after training"]);
}
