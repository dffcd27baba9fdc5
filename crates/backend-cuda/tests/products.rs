//! Products whose sizes take every form of their kernels: ragged tiles of each size, vectors, sums that blocks share.

mod common;

use cornu_ir::testing::{agreement, cases, random_inputs, run};

/// Fails where a program's results for random inputs differ from the reference's. Floats are drawn above 0, so that
/// long sums are not rounded beyond what they come to.
fn agrees(text: &str) {
    let Some(cuda) = common::gpu() else { return };
    for case in cases(text).unwrap_or_else(|error| panic!("{error}\n{text}")) {
        let is_float = case.graph.input_types().iter().all(|ty| ty.dtype.is_float());
        let inputs = random_inputs(&case.graph, is_float.then_some(0.1..=1.0), 1);
        let outputs = run(&case.graph, &inputs, cuda).unwrap_or_else(|error| panic!("{error}\n{text}"));
        if let Err(reason) = agreement(&case.graph, &inputs, &outputs) {
            panic!("{reason}\n{text}");
        }
    }
}

/// A batch of products, and the same with something added that differs from column to column.
fn product(dtype: &str, [batch, m, n, k]: [usize; 4], [left, right]: [bool; 2]) {
    let x = if left { [k, m] } else { [m, k] };
    let y = if right { [n, k] } else { [k, n] };
    agrees(&format!(
        "graph product (%x: {dtype}[{batch},{},{}], %y: {dtype}[{batch},{},{}], %b: {dtype}[{n}]) {{
           %z: {dtype}[{batch},{m},{n}] = dot %x, %y {{lhs_batch=[0], rhs_batch=[0], lhs_contract=[{}], \
            rhs_contract=[{}]}}
           %c: {dtype}[{batch},{m},{n}] = broadcast %b {{axes=[2]}}
           %r: {dtype}[{batch},{m},{n}] = add %z, %c
           return %r, %z
         }}",
        x[0],
        x[1],
        y[0],
        y[1],
        if left { 1 } else { 2 },
        if right { 2 } else { 1 },
    ));
}

const LAYOUTS: [[bool; 2]; 4] = [[false, false], [true, false], [false, true], [true, true]];

#[test]
fn products_of_every_layout_and_type_agree() {
    for dtype in ["f32", "f64", "bf16", "f16", "i32", "i64", "u8", "u32"] {
        for layout in LAYOUTS {
            product(dtype, [2, 40, 24, 72], layout);
        }
        product(dtype, [1, 33, 7, 19], [false, false]);
    }
}

#[test]
fn large_tiles_agree() {
    for dtype in ["f32", "bf16"] {
        // So many products that the largest tile leaves no multiprocessor without work.
        product(dtype, [66, 136, 72, 40], [false, false]);
        product(dtype, [40, 100, 132, 17], [true, true]);
        product(dtype, [132, 40, 48, 24], [false, true]);
    }
}

/// Of halves whose rows are whole groups of 16 bytes: by warpgroups, where a device has them.
#[test]
fn tiles_of_warpgroups_agree() {
    for layout in LAYOUTS {
        product("bf16", [33, 136, 72, 72], layout);
    }
    product("f16", [66, 72, 80, 64], [false, false]);
    // Wide tiles.
    product("bf16", [132, 72, 264, 64], [true, false]);
    // Blocks that take several tiles, each of which goes around the ring more than once.
    product("bf16", [140, 65, 65, 328], [false, true]);
    // Sums that blocks share.
    product("f16", [1, 72, 72, 16904], [true, false]);
}

#[test]
fn products_with_vectors_agree() {
    for dtype in ["f32", "bf16", "f64", "u8"] {
        for (layout, [m, n]) in LAYOUTS.into_iter().flat_map(|layout| [(layout, [1, 70]), (layout, [70, 1])])
        {
            product(dtype, [1, m, n, 48], layout);
            product(dtype, [3, m, n, 13], layout);
            product(dtype, [1, m, n, 1100], layout);
        }
    }
}

#[test]
fn sums_that_blocks_share_agree() {
    for dtype in ["f32", "bf16", "i32"] {
        product(dtype, [1, 1, 1, 5003], [false, false]);
        product(dtype, [1, 3, 5, 2100], [true, false]);
        product(dtype, [2, 40, 36, 1000], [false, true]);
        product(dtype, [1, 4, 8, 0], [false, false]);
    }
}

/// A convolution and both of its gradients.
fn convolution(dtype: &str, form: &Convolution<'_>) {
    let &Convolution { input, kernel, result, sliding } = form;
    let axes = input.len() - 2;
    let list = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let (x, k, y) = (list(input), list(kernel), list(result));
    let (inputs, taps) = (list(&input[1..=axes]), list(&kernel[..axes]));
    agrees(&format!(
        "graph forward (%x: {dtype}[{x}], %k: {dtype}[{k}], %y: {dtype}[{y}]) {{
           %0: {dtype}[{y}] = conv %x, %k {{{sliding}}}
           %1: {dtype}[{y}] = add %0, %y
           return %1
         }}
         graph input_grad (%k: {dtype}[{k}], %y: {dtype}[{y}]) {{
           %0: {dtype}[{x}] = conv_input_grad %y, %k {{{sliding}, input=[{inputs}]}}
           return %0
         }}
         graph kernel_grad (%x: {dtype}[{x}], %y: {dtype}[{y}]) {{
           %0: {dtype}[{k}] = conv_kernel_grad %x, %y {{{sliding}, taps=[{taps}]}}
           return %0
         }}"
    ));
}

struct Convolution<'a> {
    input: &'a [usize],
    kernel: &'a [usize],
    result: &'a [usize],
    sliding: &'a str,
}

#[test]
fn convolutions_agree() {
    let same = "strides=[1,1], low=[1,1], high=[1,1], dilation=[1,1]";
    let halved = "strides=[2,2], low=[1,1], high=[1,1], dilation=[1,1]";
    for dtype in ["f32", "bf16", "f64"] {
        let check = |input: &[usize], kernel: &[usize], result: &[usize], sliding: &str| {
            convolution(dtype, &Convolution { input, kernel, result, sliding });
        };
        let groups = |sliding: &str, groups: usize| format!("{sliding}, groups={groups}");
        check(&[2, 9, 7, 16], &[3, 3, 16, 24], &[2, 9, 7, 24], &groups(same, 1));
        check(&[2, 9, 8, 3], &[3, 3, 3, 20], &[2, 5, 4, 20], &groups(halved, 1));
        check(&[1, 8, 8, 64], &[3, 3, 32, 48], &[1, 8, 8, 48], &groups(same, 2));
        let spread = "strides=[2,3], low=[1,0], high=[0,2], dilation=[1,2]";
        check(&[2, 9, 10, 18], &[3, 2, 18, 16], &[2, 4, 4, 16], &groups(spread, 1));
        let together = "strides=[4,2], low=[0,1], high=[2,0], dilation=[2,2]";
        check(&[1, 9, 8, 17], &[3, 2, 17, 16], &[1, 2, 4, 16], &groups(together, 1));
        check(&[2, 6, 6, 8], &[3, 3, 1, 8], &[2, 6, 6, 8], &groups(same, 8));
        check(&[2, 7, 6, 6], &[3, 3, 2, 9], &[2, 4, 3, 9], &groups(halved, 3));
        check(&[12, 9, 9, 4], &[3, 3, 1, 4], &[12, 9, 9, 4], &groups(same, 4));
    }
}

/// As products of plain matrices: by warpgroups, where a device has them.
#[test]
fn large_convolutions_of_one_tap_agree() {
    let sliding = "strides=[1,1], low=[0,0], high=[0,0], dilation=[1,1], groups=1";
    let (input, kernel, result) = (&[16, 33, 33, 72], &[1, 1, 72, 80], &[16, 33, 33, 80]);
    convolution("bf16", &Convolution { input, kernel, result, sliding });
}

/// A product of short whole numbers as floats, which tf32 holds exactly.
fn short_product([batch, m, n, k]: [usize; 4], [left, right]: [bool; 2]) {
    let x = if left { [k, m] } else { [m, k] };
    let y = if right { [n, k] } else { [k, n] };
    let (x, y) = (format!("{batch},{},{}", x[0], x[1]), format!("{batch},{},{}", y[0], y[1]));
    agrees(&format!(
        "graph product (%x: i32[{x}], %y: i32[{y}]) {{
           %a: f32[{x}] = cast %x
           %b: f32[{y}] = cast %y
           %z: f32[{batch},{m},{n}] = dot %a, %b {{lhs_batch=[0], rhs_batch=[0], lhs_contract=[{}], rhs_contract=[{}]}}
           return %z
         }}",
        if left { 1 } else { 2 },
        if right { 2 } else { 1 },
    ));
}

#[test]
fn products_of_short_numbers_are_exact_in_tf32() {
    let this = std::env::current_exe().expect("a test runs from a file");
    let mut command = std::process::Command::new(this);
    command.args(["--ignored", "--exact", "in_tf32"]).env("CORNU_TF32", "1");
    assert!(command.status().expect("this file runs").success());
}

#[test]
#[ignore = "runs where the test above has set its environment"]
fn in_tf32() {
    for layout in LAYOUTS {
        short_product([2, 40, 24, 72], layout);
        short_product([1, 33, 7, 19], layout);
        short_product([66, 136, 72, 40], layout);
        short_product([132, 40, 50, 24], layout);
    }
}
