//! The stand-in for NVRTC.

use std::time::Instant;

use crate::support::{Argument, Device, compile};

const ELEMENTWISE: &str = include_str!("../kernels/elementwise.cu");

#[test]
fn the_architecture_reaches_the_program() {
    let Some(device) = Device::open() else { return };
    for (option, number) in [("compute_75", 750), ("compute_80", 800), ("sm_90a", 900)] {
        let kernel = device.kernel(ELEMENTWISE, "architecture", &[&format!("--gpu-architecture={option}")]);
        let out = device.upload(&[0i32]);
        device.launch(&kernel, (1, 1, 1), (1, 1, 1), 0, &[device.memory(&out)]).unwrap();
        assert_eq!(device.download(&out), [number]);
    }
}

#[test]
fn an_error_names_the_line() {
    let Some(_device) = Device::open() else { return };
    let source = "extern \"C\" __global__ void k(float *out) {\n    out[0] = missing;\n}\n";
    let log = compile("broken.cu", source, &["--gpu-architecture=sm_80"]).unwrap_err();
    assert!(log.contains("broken.cu:2:14: error: 'missing' was not declared"), "{log}");
}

#[test]
fn unknown_options_are_refused() {
    let Some(_device) = Device::open() else { return };
    let log = compile("a.cu", ELEMENTWISE, &["--no-such-option"]).unwrap_err();
    assert!(log.contains("unrecognized option --no-such-option"), "{log}");
    assert!(compile("a.cu", ELEMENTWISE, &["--use_fast_math", "--ptxas-options=-v", "-DX=1"]).is_ok());
}

#[test]
fn a_small_program_compiles_in_no_time() {
    let Some(device) = Device::open() else { return };
    // A constant of its own, or the image would be found from an earlier run.
    let unique = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()
        % 1_000_000_007;
    let source = format!(
        "extern \"C\" __global__ void k(int *out, int n) {{ if (threadIdx.x < n) out[threadIdx.x] = {unique}; }}"
    );
    let start = Instant::now();
    let kernel = device.kernel(&source, "k", &["--gpu-architecture=sm_90a"]);
    let cold = start.elapsed();
    let start = Instant::now();
    device.kernel(&source, "k", &["--gpu-architecture=sm_90a"]);
    println!("compiled in {cold:?}, found again in {:?}", start.elapsed());
    let out = device.upload(&[0i32; 2]);
    device.launch(&kernel, (1, 1, 1), (2, 1, 1), 0, &[device.memory(&out), Argument::Int(1)]).unwrap();
    assert_eq!(device.download(&out), [unique as i32, 0]);
}
