//! Programs large enough to be cut into many blocks and pieces: right, and the same bits for any number of threads.

use std::ops::RangeInclusive;

use cornu_backend_cpu::Cpu;
use cornu_ir::derived::{Loop, Step, along_time, conditional};
use cornu_ir::grad::gradients;
use cornu_ir::ops::{ArgReduction, Conv, Dot, Reduction, Scatter, ScatterKind, Sliding, WindowKind, Windows};
use cornu_ir::testing::{agreement, random_graph, random_inputs, run};
use cornu_ir::{Builder, DType, Expr, Graph, Tensor, Type};

/// Numbers of threads: one, and some that do not divide the pieces evenly.
const THREADS: [usize; 4] = [1, 2, 3, 7];

fn backends() -> Vec<Cpu> {
    THREADS.iter().map(|&threads| Cpu::with_threads(threads).unwrap()).collect()
}

/// The program of one output over inputs of these types.
fn program(types: &[Type], build: impl for<'b> Fn(&[Expr<'b>]) -> Expr<'b>) -> Graph {
    let b = Builder::new();
    let inputs: Vec<Expr<'_>> = types.iter().map(|ty| b.input("x", ty.clone())).collect();
    let output = build(&inputs);
    b.finish(&[output]).unwrap()
}

/// Checks a program as [`check_on`] does, on inputs of both signs.
fn check(what: &str, backends: &[Cpu], types: &[Type], build: impl for<'b> Fn(&[Expr<'b>]) -> Expr<'b>) {
    check_on(-1.0..=1.0, what, backends, types, build);
}

/// Checks a program against the reference, and all numbers of threads against each other.
fn check_on(
    range: RangeInclusive<f64>,
    what: &str,
    backends: &[Cpu],
    types: &[Type],
    build: impl for<'b> Fn(&[Expr<'b>]) -> Expr<'b>,
) {
    let graph = program(types, build);
    let inputs = random_inputs(&graph, Some(range), 7);
    let outputs: Vec<Vec<Tensor>> = backends.iter().map(|cpu| run(&graph, &inputs, cpu).unwrap()).collect();
    agreement(&graph, &inputs, &outputs[0]).unwrap_or_else(|reason| panic!("{what}: {reason}"));
    for (other, threads) in outputs.iter().zip(THREADS) {
        assert!(*other == outputs[0], "{what}: other bits with {threads} threads");
    }
}

fn f32s(shape: &[usize]) -> Type {
    Type::new(DType::F32, shape)
}

#[test]
fn maps() {
    let cpus = backends();
    let (x, row, column) = (f32s(&[700, 123]), f32s(&[123]), f32s(&[700]));
    for dtype in [DType::F32, DType::BF16, DType::F16, DType::F64, DType::I32, DType::U8] {
        let types = [x.with_dtype(dtype), row.with_dtype(dtype), column.with_dtype(dtype)];
        check(&format!("map of {dtype}"), &cpus, &types, |x| {
            let shape = x[0].shape();
            x[0] * x[1].broadcast(shape.clone(), &[1]) + x[2].broadcast(shape.clone(), &[0]) - x[0]
        });
    }
    check("narrow rows", &cpus, &[f32s(&[9000, 5]), f32s(&[9000]), f32s(&[5])], |x| {
        let shape = x[0].shape();
        (x[0] + x[1].broadcast(shape.clone(), &[0])) * x[2].broadcast(shape.clone(), &[1])
    });
    check("strided", &cpus, &[f32s(&[300, 400])], |x| x[0].slice(&[1, 3], &[299, 400], &[2, 3]).exp() + 1.0);
    check("a counter", &cpus, &[f32s(&[300, 400])], |x| {
        x[0] + x[0].builder().iota(f32s(&[300, 400]), 0) * x[0].builder().iota(f32s(&[300, 400]), 1)
    });
}

/// Rows that are the same for all others: short and long ones, two of different lengths, and as heads of reductions.
#[test]
fn repeated_rows() {
    let cpus = backends();
    for width in [7, 100, 255, 300, 1000, 2500] {
        let height = 90_000 / width;
        let types = [f32s(&[height, width]), f32s(&[width]), f32s(&[width])];
        check(&format!("rows of {width}"), &cpus, &types, rows_of);
        for axis in 0..2 {
            check(&format!("sums of rows of {width}"), &cpus, &types, |x| rows_of(x).sum(&[axis]));
        }
    }
    let types = [f32s(&[60, 900]), f32s(&[900]), f32s(&[300])];
    check("rows of two lengths", &cpus, &types, |x| {
        let thirds = (x[0] * x[1].broadcast_leading(&x[0].shape())).reshape([180, 300]);
        (thirds + x[2].broadcast_leading(&thirds.shape())).tanh()
    });
}

/// Rows times one row plus another.
fn rows_of<'b>(x: &[Expr<'b>]) -> Expr<'b> {
    let [factor, offset] = [x[1], x[2]].map(|row| row.broadcast_leading(&x[0].shape()));
    (x[0] * factor + offset).max(factor)
}

#[test]
fn reductions() {
    let cpus = backends();
    let shapes: [(&[usize], &[&[usize]]); 7] = [
        (&[100_003], &[&[0]]),
        (&[3, 40_001], &[&[0], &[1], &[0, 1]]),
        (&[40_001, 3], &[&[0], &[1]]),
        (&[50, 3001], &[&[0], &[1]]),
        (&[5000, 20], &[&[0], &[1]]),
        (&[40, 7, 30, 11], &[&[0], &[1], &[2], &[0, 2], &[1, 3], &[0, 3], &[0, 1, 3], &[0, 2, 3]]),
        (&[2, 3, 2, 3, 2, 700], &[&[0, 2, 4], &[1, 3, 5], &[0, 2, 5], &[1, 3]]),
    ];
    for (shape, axes) in shapes {
        for &axes in axes {
            for kind in [Reduction::Sum, Reduction::Max] {
                let what = format!("{} of {shape:?} along {axes:?}", kind.word());
                check(&what, &cpus, &[f32s(shape)], |x| (x[0] * x[0] - 0.5).reduce(kind, axes) * 2.0);
            }
            let what = format!("sum of i32 {shape:?} along {axes:?}");
            check(&what, &cpus, &[Type::new(DType::I32, shape)], |x| x[0].sum(axes));
        }
    }
    check("sum of bf16", &cpus, &[Type::new(DType::BF16, [300, 200])], |x| x[0].sum(&[0]));
    check("min of u8", &cpus, &[Type::new(DType::U8, [300, 200])], |x| x[0].reduce(Reduction::Min, &[1]));
}

#[test]
fn products() {
    // Sums that do not cancel: long sums in f32 are no more exact than their largest part.
    const POSITIVE: RangeInclusive<f64> = 0.25..=1.0;
    let cpus = backends();
    let sizes =
        [(1, 300, 1), (1, 700, 500), (500, 700, 1), (50, 1, 60), (7, 33, 5), (131, 300, 67), (13, 9000, 11)];
    for (m, k, n) in sizes.into_iter().chain([
        (400, 70, 520),
        (48, 1030, 65),
        (300, 500, 64),
        (93, 600, 48),
        (12, 300, 96),
    ]) {
        for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
            let a = if left { [k, m] } else { [m, k] };
            let b = if right { [n, k] } else { [k, n] };
            let dot = Dot::contracting([usize::from(!left)], [usize::from(right)]);
            let what = format!("{m}x{k}x{n} {left} {right}");
            check_on(POSITIVE, &what, &cpus, &[f32s(&a), f32s(&b), f32s(&[n])], |x| {
                let product = x[0].dot(x[1], dot.clone());
                product.max(x[2].broadcast(product.shape(), &[1]))
            });
        }
    }
    for dtype in [DType::F64, DType::BF16, DType::F16, DType::I32, DType::I64, DType::U8, DType::U32] {
        let types = [Type::new(dtype, [3, 70, 90]), Type::new(dtype, [3, 90, 50])];
        let dot = Dot::contracting([2], [1]).batched([0], [0]);
        check_on(POSITIVE, &format!("batch of {dtype}"), &cpus, &types, |x| x[0].dot(x[1], dot.clone()));
        let types = [Type::new(dtype, [3, 700]), Type::new(dtype, [3, 700, 50])];
        let dot = Dot::contracting([1], [1]).batched([0], [0]);
        check_on(POSITIVE, &format!("vectors of {dtype}"), &cpus, &types, |x| x[0].dot(x[1], dot.clone()));
    }
}

#[test]
fn single_ops() {
    let cpus = backends();
    let x = f32s(&[37, 50, 41]);
    let one = std::slice::from_ref(&x);
    check("transpose", &cpus, one, |x| x[0].transpose(&[2, 0, 1]));
    check("transpose back", &cpus, one, |x| x[0].transpose(&[1, 2, 0]));
    check("transpose middle", &cpus, one, |x| x[0].transpose(&[1, 0, 2]));
    check("transpose all", &cpus, &[x.with_dtype(DType::U8)], |x| x[0].transpose(&[2, 1, 0]));
    check("reverse", &cpus, one, |x| x[0].reverse(&[0, 2]));
    check("pad", &cpus, &[x.clone(), f32s(&[])], |x| x[0].pad(x[1], &[1, 2, 0], &[0, 3, 1], &[0, 1, 2]));
    check("concat", &cpus, &[x.clone(), f32s(&[37, 9, 41])], |x| Expr::concat(&[x[0], x[1], x[0]], 1));
    for axis in 0..3 {
        check("running sum", &cpus, one, |x| x[0].cumulative(Reduction::Sum, axis, axis == 1));
        check("running max", &cpus, one, |x| x[0].cumulative(Reduction::Max, axis, axis == 0));
        check("arg max", &cpus, one, |x| x[0].arg_reduce(ArgReduction::Max, axis));
        check("sort", &cpus, one, |x| x[0].arg_sort(axis, true, 30));
        check("sort all", &cpus, &[x.with_dtype(DType::I32)], |x| {
            x[0].arg_sort(axis, false, x[0].shape()[axis])
        });
    }
    let rows = [f32s(&[500, 64]), Type::new(DType::U8, [3000])];
    check("gather", &cpus, &rows, |x| x[0].gather(x[1], 0, 0));
    let updates = [f32s(&[500, 64]), Type::new(DType::U8, [3000]), f32s(&[3000, 64])];
    for kind in ScatterKind::ALL {
        check("scatter", &cpus, &updates, |x| x[0].scatter(x[1], x[2], Scatter { axis: 0, batch: 0, kind }));
    }
    let starts = Type::new(DType::I32, [3]);
    check("dynamic slice", &cpus, &[x.clone(), starts.clone()], |x| x[0].dynamic_slice(x[1], [30, 20, 10]));
    check("dynamic update", &cpus, &[x, f32s(&[30, 20, 10]), starts], |x| x[0].dynamic_update(x[1], x[2]));
    let pair = Type::new(DType::U32, [2]);
    check("random bits", &cpus, &[pair.clone(), pair], |x| x[0].builder().random_bits([40_003], x[0], x[1]));
}

/// Two axes with these strides, padding and dilations.
fn sliding(strides: [usize; 2], low: [usize; 2], high: [usize; 2], dilation: [usize; 2]) -> Sliding {
    Sliding { strides: strides.into(), low: low.into(), high: high.into(), dilation: dilation.into() }
}

/// Checks an op over positive numbers, by itself and with a bias, a limit and a sum after it.
fn check_followed(
    what: &str,
    cpus: &[Cpu],
    result: &Type,
    args: &[&Type],
    op: impl for<'b> Fn(&[Expr<'b>]) -> Expr<'b>,
) {
    let channels = result.shape[result.shape.rank() - 1];
    let mut types: Vec<Type> = args.iter().map(|&ty| ty.clone()).collect();
    check_on(0.25..=1.0, what, cpus, &types, &op);
    types.extend([result.with_shape([channels]), result.clone()]);
    check_on(0.25..=1.0, &format!("{what}, and more"), cpus, &types, |x| {
        let y = op(x);
        let [bias, other] = [x[args.len()], x[args.len() + 1]];
        (y * 0.25 + bias.broadcast_leading(&y.shape())).max(other) + other
    });
}

#[test]
fn convolutions() {
    let cpus = backends();
    let same = sliding([1, 1], [1, 1], [1, 1], [1, 1]);
    let strided = sliding([2, 2], [0, 1], [1, 1], [1, 1]);
    let dilated = sliding([1, 3], [2, 0], [2, 1], [2, 1]);
    let pointwise = sliding([1, 1], [0, 0], [0, 0], [1, 1]);
    // The input, the kernel, and the number of groups.
    let thirds = sliding([3, 3], [2, 3], [1, 0], [1, 2]);
    let far = sliding([1, 1], [0, 4], [2, 0], [1, 1]);
    let cases: [([usize; 4], [usize; 4], usize, &Sliding); 19] = [
        ([4, 30, 29, 3], [3, 3, 3, 16], 1, &same),
        ([3, 31, 28, 1], [5, 5, 1, 10], 1, &strided),
        ([2, 33, 35, 8], [4, 3, 8, 17], 1, &thirds),
        ([7, 12, 11, 20], [3, 3, 10, 18], 2, &strided),
        ([4, 21, 19, 16], [3, 3, 16, 16], 1, &same),
        ([4, 20, 18, 16], [3, 3, 16, 40], 1, &strided),
        ([3, 15, 17, 24], [3, 2, 24, 20], 1, &dilated),
        ([1, 9, 8, 40], [3, 3, 40, 270], 1, &same),
        ([9, 11, 13, 12], [1, 1, 12, 33], 1, &pointwise),
        ([9, 11, 13, 12], [1, 1, 12, 33], 1, &strided),
        ([4, 21, 19, 16], [3, 3, 4, 24], 4, &same),
        ([4, 21, 19, 33], [3, 3, 1, 33], 33, &same),
        ([2, 21, 19, 150], [3, 3, 1, 150], 150, &strided),
        ([2, 13, 11, 5], [2, 3, 1, 5], 5, &thirds),
        ([4, 20, 18, 12], [3, 2, 1, 36], 12, &strided),
        ([3, 10, 24, 16], [3, 3, 16, 16], 1, &same),
        ([2, 11, 8, 18], [2, 3, 18, 31], 1, &same),
        ([1, 9, 16, 61], [3, 3, 61, 35], 1, &same),
        ([2, 9, 22, 5], [3, 3, 5, 20], 1, &far),
    ];
    for dtype in [DType::F32, DType::F64, DType::BF16] {
        for (input, kernel, groups, sliding) in if dtype == DType::F32 { &cases[..] } else { &cases[2..3] } {
            let conv = Conv { sliding: (*sliding).clone(), groups: *groups };
            let result = conv.sizes(input, kernel).unwrap().result();
            let what = format!("convolution of {dtype}{input:?} with {kernel:?}, {conv:?}");
            let [x, k, y] = [Type::new(dtype, *input), Type::new(dtype, *kernel), Type::new(dtype, result)];
            check_followed(&what, &cpus, &y, &[&x, &k], |a| a[0].conv(a[1], conv.clone()));
            check_followed(&what, &cpus, &x, &[&y, &k], |a| {
                a[0].conv_input_grad(a[1], conv.clone(), &input[1..3])
            });
            check_followed(&what, &cpus, &k, &[&x, &y], |a| {
                a[0].conv_kernel_grad(a[1], conv.clone(), &kernel[..2])
            });
        }
    }
}

#[test]
fn windows() {
    let cpus = backends();
    for sizes in [[2, 2], [3, 4]] {
        for sliding in [sliding([2, 2], [0, 0], [0, 0], [1, 1]), sliding([1, 2], [1, 1], [0, 1], [1, 2])] {
            let windows = Windows { sizes: sizes.into(), sliding };
            let x = f32s(&[5, 33, 30, 24]);
            let what = format!("{windows:?}");
            let one = std::slice::from_ref(&x);
            let b = Builder::new();
            let result = b.input("x", x.clone()).window(WindowKind::Sum, windows.clone()).ty();
            for kind in WindowKind::ALL {
                check_followed(&what, &cpus, &result, &[&x], |x| x[0].window(kind, windows.clone()));
            }
            check(&what, &cpus, one, |x| x[0].window_arg_max(windows.clone()));
            check_followed(&what, &cpus, &x, &[&result], |y| y[0].window_spread(windows.clone(), &[33, 30]));
        }
    }
}

#[test]
fn random_programs_are_the_same_for_any_number_of_threads() {
    let cpus = backends();
    for seed in 500..600 {
        let graph = random_graph(seed);
        let inputs = random_inputs(&graph, None, seed);
        let outputs: Vec<Vec<Tensor>> = cpus.iter().map(|cpu| run(&graph, &inputs, cpu).unwrap()).collect();
        assert!(outputs.iter().all(|other| *other == outputs[0]), "seed {seed}");
    }
}

#[test]
fn long_sums_stay_accurate() {
    let cpu = Cpu::with_threads(2).unwrap();
    let n = 10_000_000;
    let items: Vec<f32> = (0..n).map(|i| 1.0 + (i % 1000) as f32 * 1e-4).collect();
    let exact: f64 = items.iter().map(|&x| f64::from(x)).sum();
    let graph = program(&[f32s(&[n])], |x| x[0].sum(&[0]));
    let sum = run(&graph, &[Tensor::vector(items)], &cpu).unwrap()[0].floats()[0];
    assert!((sum - exact).abs() <= exact * f64::from(f32::EPSILON), "{sum}, not {exact}");
}

/// A recurrent layer with its gradient, wide enough that each step is cut into pieces.
#[test]
fn loops() {
    let cpus = backends();
    let types = [f32s(&[6, 70, 40]), f32s(&[40, 160]), f32s(&[160, 160]), f32s(&[160])];
    check_on(-0.1..=0.1, "a recurrent layer", &cpus, &types, |x| {
        let b = x[0].builder();
        let first = b.full(&f32s(&[70, 160]), 0.0);
        let steps = Loop { length: 6, reverse: false, carries: vec![first], sequences: vec![x[0]] };
        let (last, all) = along_time(b, steps, |carries, slices| {
            let bias = x[3].broadcast_leading(&carries[0].shape());
            let next = (slices[0].matmul(x[1]) + carries[0].matmul(x[2]) + bias).tanh();
            Step { carries: vec![next], results: vec![next] }
        });
        let loss = (last[0] * last[0]).sum_all() + all[0].sum_all();
        let gradients = gradients(loss, &x[1..]).unwrap();
        gradients.into_iter().map(|gradient| gradient.unwrap().sum_all()).reduce(|a, b| a + b).unwrap()
    });
}

/// Branches with their gradients, large enough to be cut into pieces: either taken, and chosen anew at each step of a
/// loop.
#[test]
fn branches() {
    let cpus = backends();
    let types = [f32s(&[4, 70, 160]), f32s(&[160, 160]), f32s(&[])];
    for threshold in [-1e6, 0.0, 1e6] {
        check_on(-0.1..=0.1, "a step that is sometimes skipped", &cpus, &types, |x| {
            let b = x[0].builder();
            let first = b.full(&f32s(&[70, 160]), 0.5);
            let steps = Loop { length: 4, reverse: false, carries: vec![first], sequences: vec![x[0]] };
            let (last, _) = along_time(b, steps, |carries, slices| {
                let is_taken = slices[0].slice_axis(0, 0, 1).sum_all().gt(x[2].number(threshold));
                let step = || vec![(carries[0].matmul(x[1]) + slices[0]).tanh()];
                let next = conditional(b, is_taken, step, || vec![carries[0]]);
                Step { carries: next, results: Vec::new() }
            });
            let loss = (last[0] * last[0]).sum_all();
            let gradients = gradients(loss, &x[..2]).unwrap();
            gradients.into_iter().flatten().fold(loss, |sum, gradient| sum + gradient.sum_all())
        });
    }
}
