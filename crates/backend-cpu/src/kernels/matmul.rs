//! Matrix products, cut into tiles of the result; the tail runs over each tile while it is in the cache.

mod cut;

use std::ops::Range;

use cornu_ir::DType;
use cornu_ir::ops::Binary;
use cornu_ir::plan::{DotKernel, Instruction, Load, Program, ReduceAxis, Scalar, View, ViewDim};
use smallvec::smallvec;

use super::map::Code;
use super::panel::{DEPTH, Panel, Source, VECTOR, room};
use super::reduce::join_task;
use super::{BufferIndex, Buffers, Site, Task};
use crate::simd::Isa;
use crate::simd::fold::{Sum, Summed};
use crate::simd::gemm::{LEAST_ROWS as LEAST_OUTER_ROWS, Multiplied, Product};
use crate::simd::half::{Bf16, F16, widening};
use crate::simd::number::Number;
use crate::simd::outer::OuterProduct;
use crate::simd::pack::Operand;
use crate::simd::plain::{Plain, bytes, elements_mut};
use crate::simd::rows::RowProduct;

pub(super) use cut::Sizes;
use cut::{Cut, Unit};

/// With no more rows than this, or no more columns, an operand is read less often than packing it would take.
const FEW: usize = 256;
/// Rows of so many numbers lie near each other; to read a few columns of longer ones misses the cache in each row.
const NEAR: usize = 1024;
/// A tail that does more than this is better run over long stretches.
const LIGHT: usize = 2;

/// True if the product is better computed by [`as_reduction`]: one row or one column, unless it is a row and a matrix
/// whose rows can be read where they lie.
pub(crate) fn is_reduction(kernel: &DotKernel) -> bool {
    let is_held = widening(kernel.dtype).is_none();
    let is_row = kernel.m == 1 && is_held && !kernel.rhs_transposed && kernel.n.is_multiple_of(VECTOR);
    kernel.n == 1 || kernel.m == 1 && !is_row
}

/// A product with a vector as a sum over products of elements: memory is the limit there, not arithmetic, and
/// reductions know how to be cut.
pub(crate) fn as_reduction(kernel: &DotKernel) -> (Vec<ReduceAxis>, Program) {
    let DotKernel { batch, m, n, k, dtype, .. } = *kernel;
    // One operand is the matrix, `[batch, outputs, k]` or `[batch, k, outputs]`; the other is the vector.
    let (matrix, outputs, rows) =
        if n == 1 { (0, m, !kernel.lhs_transposed) } else { (1, n, kernel.rhs_transposed) };
    let dim = |size: usize, stride: usize| ViewDim { size, stride };
    let kept = |size: usize| ReduceAxis { size, reduced: false };
    let summed = ReduceAxis { size: k, reduced: true };
    let (axes, vector) = if rows {
        (vec![kept(batch * outputs), summed], View::new(0, [dim(batch, k), dim(outputs, 0), dim(k, 1)]))
    } else {
        (vec![kept(batch), summed, kept(outputs)], View::new(0, [dim(batch * k, 1), dim(outputs, 0)]))
    };
    let load = |read: usize, view: View| Load { read, dtype, view };
    // Sums of bf16 and f16 are kept in f32, and so are the products.
    let wide = match dtype {
        DType::BF16 | DType::F16 => DType::F32,
        DType::F32 | DType::F64 | DType::I32 | DType::I64 | DType::U8 | DType::U32 | DType::Bool => dtype,
    };
    let cast = |register: usize| Instruction { op: Scalar::Cast, args: smallvec![register], dtype: wide };
    let product = |args: [usize; 2]| Instruction {
        op: Scalar::Binary(Binary::Mul),
        args: args.into_iter().collect(),
        dtype: wide,
    };
    let instructions =
        if wide == dtype { vec![product([0, 1])] } else { vec![cast(0), cast(1), product([2, 3])] };
    let head = Program {
        root: None,
        loads: vec![load(matrix, View::contiguous(batch * outputs * k)), load(1 - matrix, vector)],
        stores: smallvec![instructions.len() + 1],
        instructions,
    };
    (axes, head)
}

/// The tasks of a batch of products.
pub(crate) fn matmul(
    kernel: &DotKernel,
    isa: Isa,
    left: BufferIndex,
    right: BufferIndex,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let operands = [left, right];
    match kernel.dtype {
        DType::F32 => tasks::<f32>(kernel, isa, operands, tail, temporary),
        DType::F64 => tasks::<f64>(kernel, isa, operands, tail, temporary),
        DType::BF16 => tasks::<Bf16>(kernel, isa, operands, tail, temporary),
        DType::F16 => tasks::<F16>(kernel, isa, operands, tail, temporary),
        DType::I32 => tasks::<i32>(kernel, isa, operands, tail, temporary),
        DType::I64 => tasks::<i64>(kernel, isa, operands, tail, temporary),
        DType::U8 | DType::Bool => tasks::<u8>(kernel, isa, operands, tail, temporary),
        DType::U32 => tasks::<u32>(kernel, isa, operands, tail, temporary),
    }
}

/// Packs the right operand of a single product of f32: the task, and where it lies then.
pub(crate) fn pack_right(
    kernel: &DotKernel,
    isa: Isa,
    right: BufferIndex,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> (Box<dyn Task>, BufferIndex) {
    let [_, right] = panels::<f32>(kernel, isa, [right; 2]);
    right.pack_into(1, temporary)
}

/// The task of a single product of f32 that one thread computes, whose right operand [`pack_right`] has packed.
pub(crate) fn lane_product(
    kernel: &DotKernel,
    isa: Isa,
    left: BufferIndex,
    right: BufferIndex,
    tail: Code,
) -> Box<dyn Task> {
    let DotKernel { m, n, k, .. } = *kernel;
    let [left, unpacked] = panels::<f32>(kernel, isa, [left, right]);
    let (right, layout) = (unpacked.packed_at(right), Layout { batch: m * n, row: n });
    let (cut, finish) = (Cut::for_one(Sizes { batch: 1, m, n, k }), Finish::Tail { tail });
    Box::new(DotTask { m, n, way: Way::Rows, left, right, layout, cut, finish })
}

fn tasks<O: Operand>(
    kernel: &DotKernel,
    isa: Isa,
    operands: [BufferIndex; 2],
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let DotKernel { batch, m, n, k, .. } = *kernel;
    let [left, right] = panels::<O>(kernel, isa, operands);
    products(Sizes { batch, m, n, k }, left, right, Layout { batch: m * n, row: n }, tail, temporary)
}

/// The operands of a batch of products.
fn panels<O: Operand>(kernel: &DotKernel, isa: Isa, [left, right]: [BufferIndex; 2]) -> [Panel<O>; 2] {
    let DotKernel { m, n, k, .. } = *kernel;
    let tile = isa.tile(size_of::<O::Held>());
    let source = |from: BufferIndex, rows: usize, transposed: bool| {
        let (row, column) = if transposed { (1, rows) } else { (k, 1) };
        Source::Matrix { from, batch: rows * k, row, column }
    };
    let left = Panel::<O>::new(source(left, m, kernel.lhs_transposed), [m, k], tile.rows);
    // The right operand is seen turned, as `n` rows of `k`.
    let right = Panel::<O>::new(source(right, n, !kernel.rhs_transposed), [n, k], tile.columns);
    [left, right]
}

/// Where results lie: from product to product, and from row to row. The results of a row are neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) batch: usize,
    pub(super) row: usize,
}

impl Layout {
    /// Calls `visit` with each stretch of the sums of a block, and where its results lie.
    fn stretches<N>(
        self,
        batch: usize,
        [rows, columns]: [Range<usize>; 2],
        sums: &[N],
        mut visit: impl FnMut(&[N], Range<usize>),
    ) {
        let (below, width) = (self.row, columns.len());
        let first = batch * self.batch + rows.start * below + columns.start;
        // Where the block is as wide as the result, its rows are one stretch.
        let stretch = if width == below { sums.len() } else { width };
        for (row, sums) in sums.chunks_exact(stretch.max(1)).enumerate() {
            visit(sums, first + row * below..first + row * below + stretch);
        }
    }

    /// Runs the tail over the sums of a block, some rows and columns of one of the products.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn finish<N: Plain>(
        self,
        isa: Isa,
        buffers: Buffers<'_>,
        tail: &Code,
        batch: usize,
        block: [Range<usize>; 2],
        sums: &[N],
        scratch: &mut [u8],
    ) {
        self.stretches(batch, block, sums, |sums, places| {
            let next = places.end.max(places.start + self.row);
            tail.run_before(isa, buffers, scratch, bytes(sums), places, next);
        });
    }
}

/// The tasks of a batch of products of panels.
pub(super) fn products<O: Operand>(
    sizes: Sizes,
    mut left: Panel<O>,
    mut right: Panel<O>,
    layout: Layout,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let Sizes { batch, m, n, .. } = sizes;
    let (cut, way) = Way::of(&left, &right, sizes, tail.actions() > LIGHT);
    let mut tasks: Vec<Box<dyn Task>> = Vec::new();
    match way {
        Way::Packed if cut.column_tiles > 1 => tasks.extend(left.pack_ahead(batch, temporary)),
        Way::Rows if m <= FEW => right.leave_in_place(),
        Way::Outer => right.leave_in_place(),
        Way::Packed | Way::Rows => {}
    }
    if cut.row_tiles > 1 && !right.is_in_place() {
        tasks.extend(right.pack_ahead(batch, temporary));
    }
    let (parts, results) = (cut.depth.count().max(1), batch * m * n);
    if parts == 1 {
        tasks.push(Box::new(DotTask { m, n, way, left, right, layout, cut, finish: Finish::Tail { tail } }));
        return tasks;
    }
    let sums = temporary(parts * results * size_of::<<O::Held as Summed>::Total>());
    let finish = Finish::Keep { sums, results };
    tasks.push(Box::new(DotTask { m, n, way, left, right, layout, cut, finish }));
    tasks.push(join_task::<Sum<O::Held>>(results, parts, sums, tail));
    tasks
}

/// The tiles of a batch of products.
struct DotTask<O: Operand> {
    m: usize,
    n: usize,
    way: Way,
    left: Panel<O>,
    right: Panel<O>,
    layout: Layout,
    cut: Cut,
    finish: Finish,
}

/// Which operands are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Both.
    Packed,
    /// At most the right one: the rows of the left one are read where they lie.
    Rows,
    /// None: where both lie turned, their products are sums of outer products.
    Outer,
}

impl Way {
    /// The way that suits the operands, and how their product is cut.
    fn of<O: Operand>(left: &Panel<O>, right: &Panel<O>, sizes: Sizes, is_tailed: bool) -> (Cut, Way) {
        let Sizes { m, n, .. } = sizes;
        let cut = Cut::new(sizes, is_tailed);
        if left.lies_in_rows() {
            return (cut, Way::Rows);
        }
        let outer = Cut::outer(sizes, is_tailed);
        let last = m % outer.rows;
        let is_outer = left.is_turned()
            && right.lies_in_columns()
            && m.min(n) <= FEW
            && n <= NEAR
            && (last == 0 || last >= LEAST_OUTER_ROWS);
        if is_outer { (outer, Way::Outer) } else { (cut, Way::Packed) }
    }
}

/// What is done with the sums of a tile.
enum Finish {
    /// They are kept, part by part of the summed axis.
    Keep { sums: BufferIndex, results: usize },
    /// They are results, of which the tail makes outputs.
    Tail { tail: Code },
}

/// Some rows and columns of a product, over a stretch of the summed axis.
struct Stretch<'a> {
    product: usize,
    rows: &'a Range<usize>,
    columns: &'a Range<usize>,
    depth: &'a Range<usize>,
    /// True if the sums hold nothing yet.
    first: bool,
}

impl<O: Operand> Task for DotTask<O> {
    fn pieces(&self) -> usize {
        self.cut.units.count()
    }

    fn scratch_bytes(&self) -> usize {
        let tail = if let Finish::Tail { tail } = &self.finish { tail.scratch_bytes() } else { 0 };
        self.panel_bytes().into_iter().sum::<usize>() + tail
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let [left, right, sums] = self.panel_bytes();
        let (left, rest) = at.scratch.split_at_mut(left);
        let (right, rest) = rest.split_at_mut(right);
        let (sums, rest) = rest.split_at_mut(sums);
        let sums = elements_mut::<O::Held>(sums);
        if let Finish::Tail { tail } = &self.finish {
            tail.begin(at.isa, at.buffers, rest);
        }
        for unit in self.cut.units.range(piece) {
            let unit = self.cut.unit([self.m, self.n], unit);
            let sums = &mut sums[..unit.rows.len() * unit.columns.len()];
            self.multiply(at.isa, at.buffers, &unit, left, right, sums);
            self.finish(at.isa, at.buffers, &unit, sums, rest);
        }
    }
}

impl<O: Operand> DotTask<O> {
    /// Bytes of the left panel, the right panel and the sums of a tile.
    fn panel_bytes(&self) -> [usize; 3] {
        let (rows, columns) = (self.cut.rows.min(self.m), self.cut.columns.min(self.n));
        let left = if self.way == Way::Packed { self.left.scratch_bytes(rows) } else { 0 };
        [left, self.right.scratch_bytes(columns), room::<O::Held>(rows * columns)]
    }

    /// Computes the sums of a tile.
    fn multiply(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        unit: &Unit,
        left_panel: &mut [u8],
        right_panel: &mut [u8],
        sums: &mut [O::Held],
    ) {
        let Unit { batch, rows, columns, part } = unit;
        let range = self.cut.depth.range(*part);
        if range.is_empty() {
            sums.fill(O::Held::ZERO);
        }
        for start in range.clone().step_by(DEPTH) {
            let first = start == range.start;
            let depth = start..(start + DEPTH).min(range.end);
            let stretch = Stretch { product: *batch, rows, columns, depth: &depth, first };
            let panels = [&mut *left_panel, &mut *right_panel];
            match self.way {
                Way::Packed => self.multiply_packed(isa, buffers, stretch, panels, sums),
                Way::Rows => self.multiply_rows(isa, buffers, stretch, panels, sums),
                Way::Outer => self.multiply_outer(isa, buffers, stretch, sums),
            }
        }
    }

    fn multiply_packed(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        Stretch { product, rows, columns, depth, first }: Stretch<'_>,
        [left, right]: [&mut [u8]; 2],
        sums: &mut [O::Held],
    ) {
        let left = self.left.packed(isa, buffers, product, rows.clone(), depth.clone(), left);
        let right = self.right.packed(isa, buffers, product, columns.clone(), depth.clone(), right);
        let (rows, columns, depth) = (rows.len(), columns.len(), depth.len());
        O::Held::multiply(isa, Product { left, right, depth, sums, rows, columns, stride: columns, first });
    }

    fn multiply_rows(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        Stretch { product, rows, columns, depth, first }: Stretch<'_>,
        [_, right]: [&mut [u8]; 2],
        sums: &mut [O::Held],
    ) {
        let right = self.right.strips(isa, buffers, product, columns.clone(), depth.clone(), right);
        let rows = self.left.rows(buffers, product, rows, depth.start);
        let rows = rows.expect("this way is taken where the left operand lies in rows");
        let (run, zeros, columns, is_first) = (depth.len(), rows.from, columns.len(), first);
        O::Held::multiply_rows(isa, RowProduct { rows, run, zeros, right, columns, sums, is_first });
    }

    fn multiply_outer(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        Stretch { product, rows, columns, depth, first }: Stretch<'_>,
        sums: &mut [O::Held],
    ) {
        let operands = (
            self.left.turned(buffers, product, rows, depth),
            self.right.turned(buffers, product, columns, depth),
        );
        let (Some(left), Some(right)) = operands else {
            unreachable!("this way is taken where both operands lie turned")
        };
        let (rows, columns, is_first) = (rows.len(), columns.len(), first);
        let (right, right_distance, right_offset) = (right.from, right.distance, right.offset);
        let product =
            OuterProduct { left, right, right_distance, right_offset, rows, columns, sums, is_first };
        O::Held::multiply_outer(isa, product);
    }

    /// Runs the tail over a tile, or keeps its sums.
    fn finish(&self, isa: Isa, buffers: Buffers<'_>, unit: &Unit, sums: &[O::Held], scratch: &mut [u8]) {
        let block = [unit.rows.clone(), unit.columns.clone()];
        match &self.finish {
            Finish::Tail { tail } => {
                self.layout.finish(isa, buffers, tail, unit.batch, block, sums, scratch);
            }
            Finish::Keep { sums: kept, results } => {
                let offset = unit.part * results;
                self.layout.stretches(unit.batch, block, sums, |sums, places| {
                    // SAFETY: every tile and part has places of its own.
                    let kept = unsafe { buffers.write(*kept, offset + places.start..offset + places.end) };
                    kept.iter_mut().zip(sums).for_each(|(kept, sum)| *kept = sum.lift());
                });
            }
        }
    }
}
