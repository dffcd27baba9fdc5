//! Planted mistakes: each has to be found.

use std::process::Command;

use cudarc::driver::sys::CUresult;

use crate::kernels::{matmul_error, sum};
use crate::support::{Argument, Device};
use crate::tensor_cores::{bf16_error, hopper_error};

const MISTAKES: &str = include_str!("../kernels/mistakes.cu");

/// True of an error that no rounding explains.
fn is_wrong(error: f32) -> bool {
    error.is_nan() || error > 1e-3
}

#[test]
fn a_missing_barrier_between_writing_and_reading() {
    let Some(device) = Device::open() else { return };
    assert!(is_wrong(matmul_error(&device, &["-DNO_BARRIER_BEFORE"])));
}

#[test]
fn a_missing_barrier_between_reading_and_writing() {
    let Some(device) = Device::open() else { return };
    assert!(is_wrong(matmul_error(&device, &["-DNO_BARRIER_AFTER"])));
}

#[test]
fn a_missing_barrier_that_the_natural_order_of_warps_hides() {
    // Warp 0 reads what the others write: it comes last only in another order, which a process is given at its start.
    if Device::open().is_none() {
        return;
    }
    let found = (0..4).filter(|seed| !run_with_seed(*seed, "mistakes::a_sum_without_its_barrier")).count();
    assert!(found > 0, "no order of warps shows the mistake");
    let sound = (0..4).all(|seed| run_with_seed(seed, "kernels::a_sum_by_shuffles_barriers_and_atomics"));
    assert!(sound, "an order of warps shows a mistake where there is none");
}

/// Whether a test of this program passes under a seed.
fn run_with_seed(seed: u32, test: &str) -> bool {
    Command::new(std::env::current_exe().unwrap())
        .args(["--include-ignored", "--exact", test])
        .env("CORNU_EMULATOR_SEED", seed.to_string())
        .output()
        .unwrap()
        .status
        .success()
}

#[test]
#[ignore = "run by the test of seeds"]
fn a_sum_without_its_barrier() {
    let Some(device) = Device::open() else { return };
    assert_eq!(sum(&device, 12_345, &["-DNO_BARRIER"]), 12_345.0);
}

#[test]
fn shared_memory_that_nobody_has_set() {
    let Some(device) = Device::open() else { return };
    let kernel = device.hardware_kernel(MISTAKES, "shared_memory_not_set", &[]);
    let out = device.zeros(32);
    device.launch(&kernel, (1, 1, 1), (32, 1, 1), 0, &[device.memory(&out), Argument::Int(1)]).unwrap();
    // Two threads count in each bin.
    assert!(device.download(&out).iter().all(|&count| count != 2.0));
}

#[test]
fn a_missing_wait_for_an_asynchronous_copy() {
    let Some(device) = Device::open() else { return };
    assert!(is_wrong(bf16_error(&device, &["-DNO_WAIT"])));
}

#[test]
fn missing_waits_for_tensor_copies() {
    let Some(device) = Device::open() else { return };
    for option in ["-DNO_WAIT_FOR_FULL", "-DNO_WAIT_FOR_EMPTY"] {
        assert!(hopper_error(&device, &[option]).is_none_or(is_wrong), "{option}");
    }
}

#[test]
fn deadlocks_fail_the_launch_and_all_that_follows() {
    let Some(device) = Device::open() else { return };
    for name in ["shuffle_with_exited", "shuffle_in_branch", "barrier_of_others"] {
        let kernel = device.hardware_kernel(MISTAKES, name, &["--gpu-architecture=sm_90a"]);
        let out = device.zeros(64);
        let arguments = [device.memory(&out), Argument::Int(32)];
        let failed = device.launch(&kernel, (1, 1, 1), (64, 1, 1), 0, &arguments).unwrap_err();
        assert_eq!(failed.0, CUresult::CUDA_ERROR_LAUNCH_FAILED, "{name}");
        let later = device.stream.synchronize().unwrap_err();
        assert_eq!(later.0, CUresult::CUDA_ERROR_LAUNCH_FAILED, "{name}");
        device.emulator.recover();
    }
}
