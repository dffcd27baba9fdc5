//! Products of matrices and what is one in disguise: which tiles they are cut into, how long sums are shared among
//! blocks, and how that is printed.

use cornu_ir::DType;
use cornu_ir::error::BackendError;
use cornu_ir::plan::{Program, Step};

use super::{Printed, THREADS, blocks, hopper};
use crate::error::unsupported;
use crate::launch::Param;
use crate::lower::Lowering;
use crate::print::{Role, c_type};
use crate::source::{Family, family};

/// Multiprocessors of the device that launches are made for.
pub(crate) const MULTIPROCESSORS: usize = 132;
/// Parts of sums begin at a multiple of this many summands: a step of every tile, and whole vectors.
pub(crate) const STEP: usize = 64;
/// The most bytes of a temporary for sums of parts.
const MOST_PART_BYTES: usize = 64 << 20;

/// A batch of products and where its results go.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) dtype: DType,
    pub(crate) batch: usize,
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// Number of results in all.
    pub(crate) results: usize,
    /// Where row `row` of product `batch` begins in the result, as CUDA C.
    pub(crate) place: String,
    /// All rows begin at a multiple of this.
    pub(crate) row_alignment: usize,
}

impl Product {
    /// Bytes of a sum in progress.
    fn sum_bytes(&self) -> usize {
        self.dtype.bytes().max(4)
    }

    /// How many neighbouring results can be finished at a time.
    pub(crate) fn neighbours(&self) -> usize {
        power_of_two_in(&[self.n, self.row_alignment], 8)
    }
}

/// The largest power of two, at most `most`, that divides all of these.
pub(crate) fn power_of_two_in(numbers: &[usize], most: usize) -> usize {
    numbers.iter().fold(
        most,
        |power, &number| if number == 0 { power } else { power.min(number & number.wrapping_neg()) },
    )
}

/// How many neighbours of an operand can be read at once: what memory gives at a time, where `extents` are whole
/// groups.
pub(crate) fn vector(lowering: &Lowering<'_>, dtype: DType, extents: &[usize], most: usize) -> usize {
    if lowering.aligned { power_of_two_in(extents, (16 / dtype.bytes()).min(most)) } else { 1 }
}

/// Sums cut into parts of so many summands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) count: usize,
    pub(crate) length: usize,
}

/// Cuts sums so that `units` times their number comes near `wanted`; none of the parts is shorter than `shortest`.
pub(crate) fn parts(product: &Product, units: usize, wanted: usize, shortest: usize) -> Parts {
    let room = MOST_PART_BYTES / (product.results * product.sum_bytes()).max(1);
    let most = (wanted / units.max(1)).min(product.k / shortest).min(room).max(1);
    let length = product.k.div_ceil(most).next_multiple_of(STEP).max(STEP);
    Parts { count: product.k.div_ceil(length).max(1), length }
}

/// A tile of results, and how its block is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) threads: u32,
    /// The type in tiles.cuh, tensor.cuh or hopper.cuh.
    pub(crate) text: &'static str,
    /// Bytes of dynamic shared memory.
    pub(crate) shared: u32,
}

/// Tiles of the CUDA cores: the larger, the less is read of shared memory and of the operands for each product.
const LARGE: Tile =
    Tile { rows: 128, columns: 128, threads: 256, text: "Tile<128, 128, 8, 8, 8>", shared: 0 };
const MEDIUM: Tile = Tile { rows: 64, columns: 64, threads: 256, text: "Tile<64, 64, 16, 4, 4>", shared: 0 };
const SMALL: Tile = Tile { rows: 32, columns: 32, threads: 64, text: "Tile<32, 32, 16, 4, 4>", shared: 0 };

/// Tiles of the tensor cores, each with that of the same number of threads for devices without.
const fn tensor(rows: usize, columns: usize, threads: u32, text: &'static str) -> Tile {
    // Three steps of both operands, 64 bytes deep.
    Tile { rows, columns, threads, text, shared: (3 * (rows + columns) * 64) as u32 }
}
const TENSOR_LARGE: Tile = tensor(128, 128, 256, "TensorTile<128, 128, 64, 32, Tile<128, 128, 8, 8, 8>>");
const TENSOR_MEDIUM: Tile = tensor(64, 64, 128, "TensorTile<64, 64, 32, 32, Tile<64, 64, 16, 8, 4>>");
const TENSOR_SMALL: Tile = tensor(32, 32, 64, "TensorTile<32, 32, 16, 32, Tile<32, 32, 16, 4, 4>>");

impl Tile {
    /// The tiles for an element type, largest first. Numbers of 8 bytes fill the registers at 64 by 64.
    fn all(dtype: DType) -> &'static [Tile] {
        match dtype {
            DType::BF16 | DType::F16 => &[TENSOR_LARGE, TENSOR_MEDIUM, TENSOR_SMALL],
            DType::F32 if is_tf32_wanted() => &[TENSOR_LARGE, TENSOR_MEDIUM, TENSOR_SMALL],
            DType::F32 | DType::I32 | DType::U32 | DType::U8 | DType::Bool => &[LARGE, MEDIUM, SMALL],
            DType::F64 | DType::I64 => &[MEDIUM, SMALL],
        }
    }

    pub(crate) fn count(self, product: &Product) -> usize {
        product.batch * product.m.div_ceil(self.rows) * product.n.div_ceil(self.columns)
    }

    /// True if it is not mostly empty.
    pub(crate) fn is_filled(self, product: &Product) -> bool {
        2 * product.m > self.rows && 2 * product.n > self.columns
    }

    /// Long sums are shared among blocks until there are two for each multiprocessor; a block has 256 summands or more.
    pub(crate) fn parts(self, product: &Product) -> Parts {
        parts(product, self.count(product), 2 * MULTIPROCESSORS, 256)
    }

    /// The largest tile that is not mostly empty and leaves no multiprocessor without work; else the smallest.
    fn of(product: &Product) -> Tile {
        let all = Tile::all(product.dtype);
        let fits = |tile: &&Tile| {
            tile.is_filled(product) && tile.count(product) * tile.parts(product).count >= MULTIPROCESSORS
        };
        *all.iter().find(fits).unwrap_or(&all[all.len() - 1])
    }
}

/// True if products of f32 may go by the tensor cores, which keep 10 bits of each factor's fraction: many times as
/// fast, and as exact as products of f16. Asked for by `CORNU_TF32=1`.
fn is_tf32_wanted() -> bool {
    std::env::var_os("CORNU_TF32").is_some_and(|value| value == "1")
}

/// The operands of a product as CUDA C: types that tiles.cuh calls `Operand`, and what they need before them.
pub(crate) struct Operands {
    pub(crate) family: Family,
    pub(crate) before: String,
    pub(crate) left: String,
    pub(crate) right: String,
    pub(crate) buffers: [usize; 2],
    /// Whether each lies along k, `[batch, line, k]`, or across, `[batch, k, line]`: of two plain matrices all of whose
    /// rows begin at a multiple of 16 bytes.
    pub(crate) along_k: Option<[bool; 2]>,
}

impl Operands {
    /// As the parameters of a kernel that reads them itself.
    pub(crate) fn pointers(&self, dtype: DType) -> [(String, Param); 2] {
        let [left, right] = self.buffers.map(Param::pointer);
        let c = c_type(dtype);
        [(format!("const {c}* left"), left), (format!("const {c}* right"), right)]
    }
}

/// A kernel that sums parts of a product: `call` is a function of a `.cu` file with its template arguments, to be given
/// both operands and what finishes the sums.
pub(crate) struct Summing<'a> {
    pub(crate) product: &'a Product,
    pub(crate) operands: &'a Operands,
    pub(crate) parts: Parts,
    pub(crate) call: String,
    /// Both operands, called `left` and `right`.
    pub(crate) params: [(String, Param); 2],
    pub(crate) blocks: usize,
    pub(crate) threads: u32,
    pub(crate) shared: u32,
    /// How many neighbours it finishes at a time, at most.
    pub(crate) lanes: usize,
}

/// Adds a product by tiles.
pub(crate) fn by_tiles(
    lowering: &mut Lowering<'_>,
    step: &Step,
    product: &Product,
    operands: &Operands,
    tail: &Program,
) -> Result<(), BackendError> {
    if let Some(summing) = hopper::by_warpgroups(lowering, product, operands) {
        return summing.add(lowering, step, tail);
    }
    let tile = Tile::of(product);
    let parts = tile.parts(product);
    let function = if tile.shared > 0 { "product_by_tensor_cores" } else { "product_by_cuda_cores" };
    let summing = Summing {
        product,
        operands,
        parts,
        call: format!("{function}<@_sizes, {}, {}, {}>", tile.text, operands.left, operands.right),
        params: operands.pointers(product.dtype),
        blocks: tile.count(product) * parts.count,
        threads: tile.threads,
        shared: tile.shared,
        lanes: product.neighbours(),
    };
    summing.add(lowering, step, tail)
}

impl Summing<'_> {
    /// Adds the kernel, and where it sums parts the one that adds these up.
    pub(crate) fn add(
        &self,
        lowering: &mut Lowering<'_>,
        step: &Step,
        tail: &Program,
    ) -> Result<(), BackendError> {
        let (product, c) = (self.product, c_type(self.product.dtype));
        let mut params = self.params.to_vec();
        let before = format!("{}{}", self.operands.before, self.sizes());
        if self.parts.count == 1 {
            let tail = lowering.functor_within(tail, Role::Tail, step, self.lanes);
            params.push((format!("const {} tail", tail.name), Param::Pointers(tail.pointers.clone())));
            let body = format!("{}(left, right, Finished<{c}, {}>{{tail}});", self.call, tail.name);
            let printed = self.printed(&format!("{before}{}", tail.text), &params, &body)?;
            lowering.push(printed);
            return Ok(());
        }
        let results = product.results;
        let kept = lowering.temporary(self.parts.count * results * product.sum_bytes());
        let lanes = if lowering.aligned { self.lanes.min(4) } else { 1 };
        params.push((format!("tiles::SumOf<{c}>* parts"), Param::pointer(kept)));
        let body = format!("{}(left, right, Kept<{c}, {results}u, {lanes}>{{parts}});", self.call);
        let printed = self.printed(&before, &params, &body)?;
        lowering.push(printed);

        let tail = lowering.functor_within(tail, Role::Tail, step, power_of_two_in(&[results], 4));
        let params = [
            (format!("const tiles::SumOf<{c}>* parts"), Param::pointer(kept)),
            (format!("const {} tail", tail.name), Param::Pointers(tail.pointers.clone())),
        ];
        let count = self.parts.count;
        let body =
            format!("combine<{c}, {results}u, {count}u>(parts, Finished<{c}, {}>{{tail}});", tail.name);
        let grid = [blocks(results.div_ceil(tail.lanes), THREADS), 1, 1];
        lowering.push(Printed::new(family!("matmul"), &tail.text, &params, THREADS, &body).on(grid));
        Ok(())
    }

    fn printed(&self, before: &str, params: &[(String, Param)], body: &str) -> Result<Printed, BackendError> {
        let grid = u32::try_from(self.blocks).ok().filter(|&blocks| blocks <= i32::MAX.cast_unsigned());
        let grid = grid.ok_or_else(|| unsupported("a product of so many matrices"))?;
        let printed = Printed::new(self.operands.family, before, params, self.threads, body);
        Ok(printed.on([grid, 1, 1]).with_shared(self.shared))
    }

    /// What tiles.cuh calls S.
    fn sizes(&self) -> String {
        let Product { dtype, batch: _, m, n, k, results, ref place, row_alignment: _ } = *self.product;
        let Parts { count, length } = self.parts;
        format!(
            "struct @_sizes {{\n    typedef {} Element;\n    \
             static constexpr index M = {m}u, N = {n}u, K = {k}u;\n    \
             static constexpr index PARTS = {count}u, PART = {length}u, RESULTS = {results}u;\n    \
             static METHOD index place(index batch, index row) {{ return {place}; }}\n}};\n",
            c_type(dtype),
        )
    }
}
