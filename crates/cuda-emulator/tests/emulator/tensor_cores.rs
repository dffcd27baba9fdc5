//! Products on tensor cores: mma.sync with cp.async and ldmatrix, and Hopper's copies and warpgroups.

use cudarc::driver::CudaSlice;
use cudarc::driver::sys::CUfunction_attribute;

use crate::support::{Argument, Device, numbers, tensor_map};

const TENSOR_CORE: &str = include_str!("../kernels/tensor_core.cu");
const HOPPER: &str = include_str!("../kernels/hopper.cu");

/// Rounds to bf16, to the nearest.
fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Multiples of 1/256 below one, which every format holds: as f32 and as the bits of f16.
fn exact_numbers(count: usize, seed: u64) -> (Vec<f32>, Vec<u16>) {
    let values: Vec<f32> = numbers(count, seed).iter().map(|x| (x * 255.0).round() / 256.0).collect();
    let half = |x: &f32| {
        let bits = x.to_bits();
        let exponent = (bits >> 23 & 255) as i32 - 112;
        let sign = (bits >> 16 & 0x8000) as u16;
        if *x == 0.0 { sign } else { sign | (exponent as u16) << 10 | (bits >> 13 & 0x3ff) as u16 }
    };
    let halves = values.iter().map(half).collect();
    (values, halves)
}

/// The largest difference of `c` from A B^T, or from A B where B is `k` x `n`.
fn error(c: &[f32], a: &[f32], b: &[f32], (m, n, k): (usize, usize, usize), b_is_k_n: bool) -> f32 {
    let at = |j: usize, x: usize| if b_is_k_n { b[x * n + j] } else { b[j * k + x] };
    let product =
        |i: usize, j: usize| (0..k).map(|x| f64::from(a[i * k + x]) * f64::from(at(j, x))).sum::<f64>();
    let mut worst = 0.0;
    for (place, value) in c.iter().enumerate().take(m * n) {
        let difference = (f64::from(*value) - product(place / n, place % n)).abs() as f32;
        worst = if difference <= worst { worst } else { difference };
    }
    worst
}

fn launch_tiles<T>(
    device: &Device,
    name: &str,
    options: &[&str],
    (left, right): (&CudaSlice<T>, &CudaSlice<T>),
    (m, n, k): (usize, usize, usize),
) -> Vec<f32> {
    let kernel =
        device.hardware_kernel(TENSOR_CORE, name, &[&["--gpu-architecture=compute_80"], options].concat());
    let out = device.zeros(m * n);
    let mut arguments = vec![device.memory(&out), device.memory(left), device.memory(right)];
    arguments.extend([m, n, k].map(|size| Argument::Int(size as i32)));
    device.launch(&kernel, (n as u32 / 8, m as u32 / 16, 1), (32, 1, 1), 0, &arguments).unwrap();
    device.download(&out)
}

/// The largest error of the product in bf16, with or without its waits.
pub(crate) fn bf16_error(device: &Device, options: &[&str]) -> f32 {
    let sizes @ (m, n, k) = (48, 40, 80);
    let bits = |count, seed| numbers(count, seed).iter().map(|&x| to_bf16(x)).collect::<Vec<u16>>();
    let (a, b) = (bits(m * k, 5), bits(n * k, 6));
    let c = launch_tiles(device, "gemm_bf16", options, (&device.upload(&a), &device.upload(&b)), sizes);
    let floats = |bits: &[u16]| bits.iter().map(|&x| from_bf16(x)).collect::<Vec<f32>>();
    error(&c, &floats(&a), &floats(&b), sizes, false)
}

#[test]
fn bf16_with_asynchronous_copies_and_ldmatrix() {
    let Some(device) = Device::open() else { return };
    let error = bf16_error(&device, &[]);
    assert!(error < 1e-5, "{error}");
}

#[test]
fn f16_with_a_transposing_ldmatrix() {
    let Some(device) = Device::open() else { return };
    let sizes @ (m, n, k) = (32, 24, 48);
    let ((a, a_bits), (b, b_bits)) = (exact_numbers(m * k, 7), exact_numbers(k * n, 8));
    let c = launch_tiles(&device, "gemm_f16", &[], (&device.upload(&a_bits), &device.upload(&b_bits)), sizes);
    let error = error(&c, &a, &b, sizes, true);
    assert!(error < 1e-5, "{error}");
}

#[test]
fn tf32() {
    let Some(device) = Device::open() else { return };
    let sizes @ (m, n, k) = (32, 24, 40);
    let ((a, _), (b, _)) = (exact_numbers(m * k, 9), exact_numbers(k * n, 10));
    let c = launch_tiles(&device, "gemm_tf32", &[], (&device.upload(&a), &device.upload(&b)), sizes);
    let error = error(&c, &a, &b, sizes, true);
    assert!(error < 1e-5, "{error}");
}

/// The largest error of the ragged product on Hopper's path, with or without its waits; nothing where the launch
/// fails.
pub(crate) fn hopper_error(device: &Device, options: &[&str]) -> Option<f32> {
    let sizes @ (m, n, k) = (130, 200, 328);
    let bits = |count, seed| numbers(count, seed).iter().map(|&x| to_bf16(x)).collect::<Vec<u16>>();
    let (a, b) = (bits(m * k, 11), bits(n * k, 12));
    let kernel =
        device.hardware_kernel(HOPPER, "gemm_hopper", &[&["--gpu-architecture=sm_90a"], options].concat());
    let shared = 3 * 2 * 64 * 64 * 2 + 64;
    let limit = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    kernel.set_attribute(limit, shared).unwrap();
    let (left, right, out) = (device.upload(&a), device.upload(&b), device.zeros(m * n));
    let map = |memory, rows| match device.memory(memory) {
        Argument::Memory(address) => Argument::Map(tensor_map(address, rows as u64, k as u64)),
        _ => unreachable!("memory is given by its address"),
    };
    let mut arguments = vec![device.memory(&out), map(&left, m), map(&right, n)];
    arguments.extend([m, n, k].map(|size| Argument::Int(size as i32)));
    let grid = (n.div_ceil(64) as u32, m.div_ceil(64) as u32, 1);
    if device.launch(&kernel, grid, (256, 1, 1), shared as u32, &arguments).is_err() {
        device.emulator.recover(); // or the memory could not be freed
        return None;
    }
    let floats = |bits: &[u16]| bits.iter().map(|&x| from_bf16(x)).collect::<Vec<f32>>();
    Some(error(&device.download(&out), &floats(&a), &floats(&b), sizes, false))
}

#[test]
fn tensor_copies_and_warpgroup_products() {
    let Some(device) = Device::open() else { return };
    let error = hopper_error(&device, &[]).expect("the launch");
    assert!(error < 5e-5, "{error}");
}
