//! Products of matrices: `dot`.

use cornu_ir::error::BackendError;
use cornu_ir::plan::{DotKernel, Step};

use super::product::{Operands, Parts, Product, Summing, by_tiles, parts, vector};
use crate::lower::Lowering;
use crate::print::c_type;
use crate::source::family;

/// How a product is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A vector times a matrix that lies along the sums: a warp for each result reads a line of it. Bound by memory,
    /// which it reads once, side by side.
    Along,
    /// A vector times a matrix that lies along the results: a thread for each few of them. Bound by memory, too.
    Across,
    /// All others: tiles, on the tensor cores for halves, else on the CUDA cores. Bound by arithmetic.
    Tiles,
}

impl Form {
    fn of(dot: &DotKernel) -> Form {
        match (dot.m, dot.n) {
            (1, 1) => Form::Along,
            (1, _) if dot.rhs_transposed => Form::Along,
            (_, 1) if !dot.lhs_transposed => Form::Along,
            (1, _) | (_, 1) => Form::Across,
            (_, _) => Form::Tiles,
        }
    }
}

/// Warps that keep memory busy, and blocks that do.
const WARPS: usize = 132 * 32;
const BLOCKS: usize = 132 * 4;

/// Adds a batch of products, if there are results.
pub(crate) fn dot(lowering: &mut Lowering<'_>, dot: &DotKernel, step: &Step) -> Result<(), BackendError> {
    let &DotKernel { batch, m, n, k, dtype, .. } = dot;
    let place = format!("(batch * {m}u + row) * {n}u");
    let product = Product { dtype, batch, m, n, k, results: batch * m * n, place, row_alignment: n };
    if product.results == 0 {
        return Ok(());
    }
    let form = Form::of(dot);
    // A vector lies along the sums, whichever way it is said to.
    let left_along = !dot.lhs_transposed || (m == 1 && form != Form::Tiles);
    let right_along = dot.rhs_transposed || (n == 1 && form != Form::Tiles);
    // The tensor cores' tiles take 16 bytes at once; others hold what they fetch in registers.
    let most = if dtype.bytes() == 2 { 8 } else { 4 };
    let vector = |along: bool, lines: usize| vector(lowering, dtype, &[if along { k } else { lines }], most);
    let (left_vector, right_vector) = (vector(left_along, m), vector(right_along, n));
    let matrix = |along: bool, vector: usize, lines: usize| {
        let step = if along { k } else { lines };
        let c = c_type(dtype);
        format!("Matrix<{c}, {along}, {vector}, {lines}u, {k}u, {step}u, {}u>", lines * k)
    };
    let is_of_whole_rows = dtype.bytes() == 2 && left_vector == 8 && right_vector == 8;
    let operands = Operands {
        family: family!("matmul"),
        before: String::new(),
        left: matrix(left_along, left_vector, m),
        right: matrix(right_along, right_vector, n),
        buffers: [step.reads[0].index(), step.reads[1].index()],
        along_k: is_of_whole_rows.then_some([left_along, right_along]),
    };
    let (call, parts, blocks, operands) = match form {
        Form::Tiles => return by_tiles(lowering, step, &product, &operands, &dot.tail),
        Form::Along => along(&product, left_vector, operands),
        Form::Across => across(&product, [left_vector, right_vector], operands),
    };
    let summing = Summing {
        product: &product,
        operands: &operands,
        parts,
        call,
        params: operands.pointers(dtype),
        blocks,
        threads: super::THREADS,
        shared: 0,
        lanes: 1,
    };
    summing.add(lowering, step, &dot.tail)
}

/// The call, parts and blocks of a product along the sums.
fn along(product: &Product, vector: usize, operands: Operands) -> (String, Parts, usize, Operands) {
    let parts = parts(product, product.results, WARPS, 32 * vector * 4);
    let blocks = (product.results * parts.count).div_ceil(8);
    let call = format!("product_along<@_sizes, {}, {}>", operands.left, operands.right);
    (call, parts, blocks, operands)
}

/// The same across them, with the vector as the left operand.
fn across(product: &Product, vectors: [usize; 2], operands: Operands) -> (String, Parts, usize, Operands) {
    let turned = product.n == 1;
    let Operands { left, right, buffers: [first, second], .. } = operands;
    let (left, right, buffers) =
        if turned { (right, left, [second, first]) } else { (left, right, [first, second]) };
    let width = 32 * vectors[usize::from(!turned)];
    let along_lines = product.batch * (product.m * product.n).div_ceil(width);
    let parts = parts(product, along_lines, BLOCKS, 64);
    let call = format!("product_across<@_sizes, {left}, {right}>");
    let operands = Operands { left, right, buffers, ..operands };
    (call, parts, along_lines * parts.count, operands)
}
