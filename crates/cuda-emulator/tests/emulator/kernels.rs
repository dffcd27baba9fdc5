//! Kernels as they are written for a GPU, against what the host computes.

use crate::support::{Argument, Device, numbers};

const ELEMENTWISE: &str = include_str!("../kernels/elementwise.cu");
const REDUCE: &str = include_str!("../kernels/reduce.cu");
const MATMUL: &str = include_str!("../kernels/matmul.cu");

#[test]
fn functions_of_one_element() {
    let Some(device) = Device::open() else { return };
    let values: Vec<f32> = numbers(1000, 1).iter().map(|value| value + 1.5).collect();
    let input = device.upload(&values);
    type Function = fn(f32) -> f32;
    let expected: [(&str, Function); 3] = [
        ("exponential", f32::exp),
        ("logistic", |x| 1.0 / (1.0 + (-x).exp())),
        ("reciprocal_root", |x| 1.0 / x.sqrt()),
    ];
    for (name, function) in expected {
        let kernel = device.kernel(ELEMENTWISE, name, &["--gpu-architecture=compute_80"]);
        let out = device.zeros(1000);
        let arguments = [device.memory(&out), device.memory(&input), Argument::Int(1000)];
        device.launch(&kernel, (3, 1, 1), (256, 1, 1), 0, &arguments).unwrap();
        for (value, x) in device.download(&out).iter().zip(&values) {
            assert!((value - function(*x)).abs() < 1e-6 * function(*x).abs(), "{name}({x}) = {value}");
        }
    }
}

/// The sum of ones, by a kernel with or without its barrier.
pub(crate) fn sum(device: &Device, count: usize, options: &[&str]) -> f32 {
    let kernel = device.kernel(REDUCE, "sum", options);
    let (input, out) = (device.upload(&vec![1.0f32; count]), device.zeros(1));
    let arguments = [device.memory(&out), device.memory(&input), Argument::Int(count as i32)];
    device.launch(&kernel, (7, 1, 1), (256, 1, 1), 0, &arguments).unwrap();
    device.download(&out)[0]
}

#[test]
fn a_sum_by_shuffles_barriers_and_atomics() {
    let Some(device) = Device::open() else { return };
    assert_eq!(sum(&device, 12_345, &[]), 12_345.0);
}

#[test]
fn a_histogram_by_atomics_in_shared_memory() {
    let Some(device) = Device::open() else { return };
    let (bin_count, count) = (37, 20_000);
    let values: Vec<i32> = numbers(count, 2).iter().map(|x| ((x + 1.0) * 18.4) as i32).collect();
    let mut expected = vec![0u32; bin_count];
    values.iter().for_each(|&value| expected[value as usize] += 1);
    let kernel = device.kernel(REDUCE, "histogram", &[]);
    let (bins, input) = (device.upload(&vec![0u32; bin_count]), device.upload(&values));
    let arguments = [
        device.memory(&bins),
        device.memory(&input),
        Argument::Int(bin_count as i32),
        Argument::Int(count as i32),
    ];
    device.launch(&kernel, (5, 1, 1), (128, 1, 1), bin_count as u32 * 4, &arguments).unwrap();
    assert_eq!(device.download(&bins), expected);
}

#[test]
fn votes_of_a_block_and_of_a_warp() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(REDUCE, "votes", &[]);
    let values: Vec<i32> = (0..96).collect();
    let input = device.upload(&values);
    for (limit, expected) in
        [(40, [40, 0, 1, u32::MAX]), (5, [5, 0, 1, 31]), (96, [96, 1, 1, u32::MAX]), (0, [0; 4])]
    {
        let out = device.upload(&[9u32; 4]);
        let arguments = [device.memory(&out), device.memory(&input), Argument::Int(limit)];
        device.launch(&kernel, (1, 1, 1), (96, 1, 1), 0, &arguments).unwrap();
        assert_eq!(device.download(&out), expected, "limit {limit}");
    }
}

/// The largest error of a ragged product, by a kernel with all or without some of its barriers.
pub(crate) fn matmul_error(device: &Device, options: &[&str]) -> f32 {
    let (m, n, k) = (37usize, 45, 70);
    let (a, b) = (numbers(m * k, 3), numbers(k * n, 4));
    let kernel = device.kernel(MATMUL, "matmul", options);
    let (left, right, out) = (device.upload(&a), device.upload(&b), device.zeros(m * n));
    let mut arguments = vec![device.memory(&out), device.memory(&left), device.memory(&right)];
    arguments.extend([m, n, k].map(|size| Argument::Int(size as i32)));
    device.launch(&kernel, (3, 3, 1), (16, 16, 1), 0, &arguments).unwrap();
    let c = device.download(&out);
    let product = |i: usize, j: usize| (0..k).map(|x| a[i * k + x] * b[x * n + j]).sum::<f32>();
    let error = |at: usize| (c[at] - product(at / n, at % n)).abs();
    (0..m * n).map(error).fold(0.0, |worst, error| if error <= worst { worst } else { error })
}

#[test]
fn a_product_through_tiles_in_shared_memory() {
    let Some(device) = Device::open() else { return };
    let error = matmul_error(&device, &[]);
    assert!(error < 1e-5, "{error}");
}
