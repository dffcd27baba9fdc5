//! Accesses out of bounds, found by AddressSanitizer in a process of their own.

use cornu_cuda_emulator::Emulator;

use crate::support::{Argument, Device};

const MISTAKES: &str = include_str!("../kernels/mistakes.cu");

/// Runs a test of this program under AddressSanitizer: whether it passed, and what it said.
fn run_sanitized(test: &str) -> (bool, String) {
    let program = std::env::current_exe().unwrap();
    let mut command =
        Emulator::sanitized_command(&program).expect("AddressSanitizer comes with the compiler");
    let output = command.args(["--include-ignored", "--nocapture", "--exact", test]).output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&words).into_owned())
}

#[test]
fn writes_out_of_bounds_are_reported_with_their_line() {
    if Device::open().is_none() {
        return;
    }
    for (test, what, line) in [
        ("sanitizer::write_past_end", "heap-buffer-overflow", "// the line that AddressSanitizer names"),
        ("sanitizer::write_past_shared", "global-buffer-overflow", "local[threadIdx.x + (count"),
    ] {
        let number = 1 + MISTAKES.lines().position(|text| text.contains(line)).unwrap();
        let (passed, words) = run_sanitized(test);
        assert!(!passed && words.contains(what), "{test}: {words}");
        assert!(words.contains(&format!("test.cu:{number}")), "{test}: {words}");
    }
}

#[test]
fn sound_kernels_pass_under_the_sanitizer() {
    if Device::open().is_none() {
        return;
    }
    for test in [
        "kernels::a_sum_by_shuffles_barriers_and_atomics",
        "tensor_cores::tensor_copies_and_warpgroup_products",
    ] {
        let (passed, words) = run_sanitized(test);
        assert!(passed, "{test}: {words}");
    }
}

fn launch(name: &str) {
    let Some(device) = Device::open() else { return };
    assert!(Emulator::is_sanitized(), "without AddressSanitizer this would harm the process");
    let kernel = device.hardware_kernel(MISTAKES, name, &[]);
    let out = device.zeros(32);
    let arguments = [device.memory(&out), Argument::Int(32)];
    let threads = if name == "write_past_end" { 64 } else { 32 };
    device.launch(&kernel, (1, 1, 1), (threads, 1, 1), 0, &arguments).unwrap();
}

#[test]
#[ignore = "run by the test of the sanitizer"]
fn write_past_end() {
    launch("write_past_end");
}

#[test]
#[ignore = "run by the test of the sanitizer"]
fn write_past_shared() {
    launch("write_past_shared");
}
