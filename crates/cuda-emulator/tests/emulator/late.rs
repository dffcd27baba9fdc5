//! Work that is done as late as a device may do it: what waits for it is right, and what forgets to is found.

use std::process::Command;

use crate::support::{Argument, Device};

const ELEMENTWISE: &str = include_str!("../kernels/elementwise.cu");

/// Whether tests of this program pass where work is late.
fn run_late(tests: &[&str]) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.args(["--include-ignored", "--exact"]).args(tests).env("CORNU_EMULATOR_LATE", "1");
    let output = command.output().unwrap();
    let passed = output.status.success();
    if !passed {
        println!("{}", String::from_utf8_lossy(&output.stdout));
    }
    passed
}

#[test]
fn programs_that_wait_are_right_and_those_that_do_not_are_found() {
    if Device::open().is_none() {
        return;
    }
    assert!(run_late(&[
        "driver::copies_arrive_and_new_memory_is_not_zero",
        "driver::calls_are_counted",
        "graphs::a_graph_does_its_work_at_each_launch_and_not_before",
        "graphs::a_stream_that_waits_for_a_captured_event_is_captured_too",
        "kernels::a_sum_by_shuffles_barriers_and_atomics",
        "late::a_host_that_waits",
        "late::a_stream_that_waits",
    ]));
    assert!(!run_late(&["late::a_host_that_does_not_wait"]));
    assert!(!run_late(&["late::a_stream_that_does_not_wait"]));
}

/// Uploads ones from pinned memory, and overwrites it after an event that stands behind the copy, or at once.
fn upload_and_overwrite(wait: bool) {
    let Some(device) = Device::open() else { return };
    let mut pinned = device.pinned(4);
    pinned.fill(1.0);
    let mut memory = device.zeros(4);
    device.stream.memcpy_htod(&pinned.memory, &mut memory).unwrap();
    if wait {
        device.stream.record_event(None).unwrap().synchronize().unwrap();
    }
    pinned.fill(2.0);
    assert_eq!(device.download(&memory), [1.0; 4]);
}

/// Doubles on one stream what another uploads, after waiting for it, or without.
fn upload_and_double(wait: bool) {
    let Some(device) = Device::open() else { return };
    let scale = device.kernel(ELEMENTWISE, "scale", &[]);
    let uploads = device.context.new_stream().unwrap();
    let mut memory = device.zeros(4);
    device.stream.synchronize().unwrap();
    uploads.memcpy_htod(&[1.0f32; 4], &mut memory).unwrap();
    if wait {
        device.stream.wait(&uploads.record_event(None).unwrap()).unwrap();
    }
    let arguments = [device.memory(&memory), device.memory(&memory), Argument::Float(2.0), Argument::Int(4)];
    device.launch(&scale, (1, 1, 1), (32, 1, 1), 0, &arguments).unwrap();
    assert_eq!(device.download(&memory), [2.0; 4]);
}

#[test]
fn a_host_that_waits() {
    upload_and_overwrite(true);
}

#[test]
#[ignore = "run by the test of late work, which it fails"]
fn a_host_that_does_not_wait() {
    upload_and_overwrite(false);
}

#[test]
fn a_stream_that_waits() {
    upload_and_double(true);
}

#[test]
#[ignore = "run by the test of late work, which it fails"]
fn a_stream_that_does_not_wait() {
    upload_and_double(false);
}
