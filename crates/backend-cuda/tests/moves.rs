//! Kernels that move elements, at sizes that the corpus does not reach: tiles that are not full, several passes of a
//! sort, runs of indices over many chunks.

mod common;

use std::ops::RangeInclusive;

use cornu_ir::ops::{RandomBits, Scatter, ScatterKind};
use cornu_ir::testing::{agreement, random_inputs, run};
use cornu_ir::{Builder, DType, Expr, Type};

/// Checks the program of one output over inputs of these types, with numbers from this range.
fn check(
    what: &str,
    range: RangeInclusive<f64>,
    types: &[Type],
    build: impl for<'b> Fn(&[Expr<'b>]) -> Expr<'b>,
) {
    let Some(cuda) = common::gpu() else { return };
    let b = Builder::new();
    let inputs: Vec<Expr<'_>> = types.iter().map(|ty| b.input("x", ty.clone())).collect();
    let output = build(&inputs);
    let graph = b.finish(&[output]).expect("the tests are well typed");
    let inputs = random_inputs(&graph, Some(range), 7);
    let outputs = run(&graph, &inputs, cuda).unwrap_or_else(|error| panic!("{what}: {error}"));
    agreement(&graph, &inputs, &outputs).unwrap_or_else(|reason| panic!("{what}: {reason}"));
}

fn of(dtype: DType, shape: &[usize]) -> Type {
    Type::new(dtype, shape)
}

/// One type of each width.
const WIDTHS: [DType; 4] = [DType::U8, DType::BF16, DType::F32, DType::F64];

#[test]
fn transposes_of_every_width() {
    for dtype in WIDTHS {
        for (shape, order) in [
            (&[70, 131][..], &[1, 0][..]),
            (&[64, 64], &[1, 0]),
            (&[300, 9], &[1, 0]),
            (&[5, 300], &[1, 0]),
            (&[3, 40, 33], &[2, 0, 1]),
            (&[4, 33, 40], &[0, 2, 1]),
            (&[2, 9, 4, 16], &[0, 2, 1, 3]),
            (&[6, 5, 4, 9, 10], &[4, 1, 3, 0, 2]),
        ] {
            let what = format!("{dtype}{shape:?} by {order:?}");
            check(&what, -9.0..=9.0, &[of(dtype, shape)], |x| x[0].transpose(order));
        }
    }
}

#[test]
fn boxes_of_every_width() {
    for dtype in WIDTHS {
        let types = [of(dtype, &[12, 30, 32]), of(dtype, &[]), of(dtype, &[12, 7, 32])];
        let check = |what: &str, build: for<'b> fn(&[Expr<'b>]) -> Expr<'b>| {
            check(&format!("{what} of {dtype}"), -9.0..=9.0, &types, build);
        };
        check("a reversal", |x| x[0].reverse(&[0, 2]));
        check("a reversal of rows", |x| x[0].reverse(&[1]));
        check("a concatenation", |x| Expr::concat(&[x[0], x[2], x[0]], 1));
        check("a concatenation of neighbours", |x| Expr::concat(&[x[0], x[0]], 2));
        check("padding of rows", |x| x[0].pad(x[1], &[0, 1, 0], &[0, 2, 0], &[0, 0, 0]));
        check("wide padding", |x| x[0].pad(x[1], &[1, 0, 16], &[0, 0, 32], &[0, 0, 0]));
        check("odd padding", |x| x[0].pad(x[1], &[1, 0, 3], &[0, 2, 4], &[0, 0, 0]));
        check("padding between", |x| x[0].pad(x[1], &[1, 0, 3], &[0, 2, 4], &[1, 0, 2]));
    }
}

#[test]
fn blocks_at_places_known_later() {
    for dtype in WIDTHS {
        let types = [of(dtype, &[40, 50, 16]), of(dtype, &[7, 11, 16]), of(DType::I32, &[3])];
        let check = |what: &str, build: for<'b> fn(&[Expr<'b>]) -> Expr<'b>| {
            check(&format!("{what} of {dtype}"), -5.0..=60.0, &types, build);
        };
        check("a slice", |x| x[0].dynamic_slice(x[2], [7usize, 11, 16]));
        check("a narrow slice", |x| x[0].dynamic_slice(x[2], [7usize, 50, 3]));
        check("an update", |x| x[0].dynamic_update(x[1], x[2]));
    }
}

/// Some indices lie outside, at both ends.
const INDICES: RangeInclusive<f64> = -3.0..=53.0;

#[test]
fn gathers_of_rows_and_of_elements() {
    for dtype in WIDTHS {
        for index in [DType::I32, DType::I64, DType::U8, DType::U32] {
            let range = if index.bytes() == 4 || index == DType::I64 { INDICES } else { 0.0..=53.0 };
            let range = if index == DType::U32 { 0.0..=53.0 } else { range };
            let types = [of(dtype, &[50, 24]), of(index, &[300])];
            check("rows", range.clone(), &types, |x| x[0].gather(x[1], 0, 0));
            let types = [of(dtype, &[6, 3, 50, 5]), of(index, &[6, 70])];
            check("batches", range, &types, |x| x[0].gather(x[1], 2, 1));
        }
    }
}

/// Checks scatters of one kind with so many indices into 50 rows.
fn check_scatter(kind: ScatterKind, dtype: DType, count: usize) {
    let what = format!("{} of {count} {dtype}", kind.word());
    let scatter = |axis, batch| Scatter { axis, batch, kind };
    let types = [of(dtype, &[50, 16]), of(DType::I32, &[count]), of(dtype, &[count, 16])];
    check(&format!("{what}, rows"), INDICES, &types, |x| x[0].scatter(x[1], x[2], scatter(0, 0)));
    // Most indices are the same one.
    check(&format!("{what}, one row"), INDICES, &types, |x| {
        let often = x[1].max(x[1].full_like(45.0));
        x[0].scatter(often, x[2], scatter(0, 0))
    });
    let types = [of(dtype, &[50]), of(DType::I32, &[count]), of(dtype, &[count])];
    check(&format!("{what}, elements"), INDICES, &types, |x| x[0].scatter(x[1], x[2], scatter(0, 0)));
    let half = count / 2;
    let types = [of(dtype, &[2, 3, 50, 2]), of(DType::I32, &[2, half]), of(dtype, &[2, 3, half, 2])];
    check(&format!("{what}, batches"), INDICES, &types, |x| x[0].scatter(x[1], x[2], scatter(2, 1)));
}

#[test]
fn scatters_of_few_indices() {
    for kind in ScatterKind::ALL {
        for dtype in [DType::F32, DType::F64, DType::BF16, DType::F16, DType::I32, DType::I64, DType::U8] {
            check_scatter(kind, dtype, 300);
        }
    }
    for count in [1, 8, 9, 64, 65] {
        check_scatter(ScatterKind::Add, DType::F32, count);
        check_scatter(ScatterKind::Set, DType::F32, count);
    }
}

/// More than are sorted by comparing all with all.
#[test]
fn scatters_of_many_indices() {
    for kind in ScatterKind::ALL {
        check_scatter(kind, DType::F32, 9_000);
    }
    // Sums that are exact in any order, so that no tolerance hides an update that was lost.
    check_scatter(ScatterKind::Add, DType::I32, 20_000);
}

/// Keys of two digits.
#[test]
fn scatters_into_many_rows() {
    let types = [of(DType::I32, &[3_000, 2]), of(DType::I32, &[9_000]), of(DType::I32, &[9_000, 2])];
    let kinds = [ScatterKind::Add, ScatterKind::Set];
    for kind in kinds {
        check(kind.word(), -5.0..=3_010.0, &types, |x| {
            x[0].scatter(x[1], x[2], Scatter { axis: 0, batch: 0, kind })
        });
    }
}

#[test]
fn random_words() {
    for count in [1, 3, 4, 1_001, 40_000] {
        let types = [of(DType::U32, &[2]), of(DType::U32, &[2])];
        let op = || RandomBits { shape: [count].into() };
        check("random words", 0.0..=9e8, &types, |x| x[0].builder().apply(op(), &[x[0], x[1]]));
    }
}
