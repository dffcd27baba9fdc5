//! Scatters: indices sorted, then updates combined run by run.

use cornu_ir::DType;
use cornu_ir::ops::ScatterKind;

use super::gather::Picks;
use super::{Printed, THREADS};
use crate::launch::{BufferIndex, Param};
use crate::print::c_type;
use crate::source::family;

/// So many indices are sorted by comparing all with all.
const FEW: usize = 8192;
/// Keys of a block in one pass of the sort, and the values and bits of its digit.
const SORT_TILE: usize = 1024;
const DIGITS: usize = 256;
const DIGIT_BITS: u32 = 8;
/// Threads of a block that combines: few, so that few updates keep many multiprocessors busy.
const COMBINING: u32 = 64;

/// A scatter.
pub(crate) struct Scatter {
    pub(crate) kind: ScatterKind,
    pub(crate) picks: Picks,
    pub(crate) dtype: DType,
    pub(crate) index: DType,
    /// True if all buffers begin where memory is read fastest.
    pub(crate) aligned: bool,
}

/// The buffers of a scatter.
#[derive(Clone, Copy)]
pub(crate) struct Wires {
    pub(crate) indices: BufferIndex,
    pub(crate) updates: BufferIndex,
    /// Holds the operand already.
    pub(crate) to: BufferIndex,
}

impl Scatter {
    /// The launches, in order; `temporary` gives scratch memory of so many bytes.
    pub(crate) fn launches(
        &self,
        wires: Wires,
        temporary: &mut dyn FnMut(usize) -> BufferIndex,
    ) -> Vec<Printed> {
        let mut launches = Vec::new();
        if self.picks.indices() > 0 && self.picks.size > 0 {
            let sorted = self.sort(wires.indices, temporary, &mut launches);
            self.combine(wires, sorted, temporary, &mut launches);
        }
        launches
    }

    /// Sorts the indices: gives their keys, and which of them comes where.
    fn sort(
        &self,
        indices: BufferIndex,
        temporary: &mut dyn FnMut(usize) -> BufferIndex,
        launches: &mut Vec<Printed>,
    ) -> [BufferIndex; 2] {
        let count = self.picks.indices();
        let mut words = |words: usize| temporary(words * size_of::<u32>());
        let mut sorted = [words(count), words(count)];
        let from = [(format!("const {}* indices", c_type(self.index)), Param::pointer(indices))];
        let [keys, order] = [("index* keys", sorted[0]), ("index* order", sorted[1])];
        let params: Vec<_> = from.into_iter().chain(pointers([keys, order])).collect();
        if count <= FEW {
            let body = "scatter_rank<@_shape>(indices, keys, order);";
            launches.push(self.printed(&params, THREADS, body, count.div_ceil(32)));
            return sorted;
        }
        let body = "scatter_keys<@_shape>(indices, keys, order);";
        launches.push(self.printed(&params, THREADS, body, count.div_ceil(THREADS as usize)));
        let tiles = count.div_ceil(SORT_TILE);
        let (counts, mut other) = (words(DIGITS * tiles), [words(count), words(count)]);
        // The largest key is that of indices out of range.
        let bits = usize::BITS - (self.picks.batches * self.picks.size).leading_zeros();
        for shift in (0..bits).step_by(DIGIT_BITS as usize) {
            let [keys, order] = [("const index* keys", sorted[0]), ("const index* order", sorted[1])];
            let params = pointers([keys, ("index* counts", counts)]);
            let body = format!("scatter_count<@_shape, {shift}>(keys, counts);");
            launches.push(self.printed(&params, THREADS, &body, tiles));
            let params = pointers([("index* counts", counts)]);
            let body = format!("scatter_sum(counts, {}u);", DIGITS * tiles);
            launches.push(self.printed(&params, 1024, &body, 1));
            let to = [("index* keys_to", other[0]), ("index* order_to", other[1])];
            let params = pointers([keys, order, ("const index* counts", counts), to[0], to[1]]);
            let body = format!("scatter_move<@_shape, {shift}>(keys, order, counts, keys_to, order_to);");
            launches.push(self.printed(&params, THREADS, &body, tiles));
            std::mem::swap(&mut sorted, &mut other);
        }
        sorted
    }

    /// Takes the sorted updates in.
    fn combine(
        &self,
        wires: Wires,
        [keys, order]: [BufferIndex; 2],
        temporary: &mut dyn FnMut(usize) -> BufferIndex,
        launches: &mut Vec<Printed>,
    ) {
        let (c, held) = (c_type(self.dtype), held(self.dtype));
        let (lanes, kind) = (self.lanes(), kind(self.kind));
        let (updates, to) = (format!("const {c}* updates"), format!("{c}* to"));
        let columns = self.picks.middle * self.picks.inner;
        let chunks = self.picks.indices().div_ceil(self.chunk());
        // A single chunk has no parts, but needs a place to name.
        let parts = temporary(if chunks > 1 { 2 * chunks * columns * held.bytes() } else { 1 });
        let writable = format!("{}* parts", c_type(held));
        let readable = format!("const {writable}");
        let (keys, to) = (("const index* keys", keys), (to.as_str(), wires.to));
        let blocks = (chunks * columns / lanes).div_ceil(COMBINING as usize);
        let params = pointers([
            keys,
            ("const index* order", order),
            (&updates, wires.updates),
            to,
            (&writable, parts),
        ]);
        let body = format!("scatter_chunks<@_shape, {kind}, {lanes}>(keys, order, updates, to, parts);");
        launches.push(self.printed(&params, COMBINING, &body, blocks));
        if chunks > 1 {
            let params = pointers([keys, (&readable, parts), to]);
            let body = format!("scatter_join<@_shape, {kind}, {lanes}>(keys, parts, to);");
            launches.push(self.printed(&params, COMBINING, &body, blocks));
        }
    }

    /// How many neighbours a thread combines.
    fn lanes(&self) -> usize {
        let width = self.dtype.bytes();
        // No more than a few registers' worth, of narrow numbers too.
        self.picks.lanes(width, if self.aligned { 16.min(8 * width) } else { width })
    }

    /// How many updates a thread takes in: as few as leave all multiprocessors busy, as many as still make long runs
    /// short.
    fn chunk(&self) -> usize {
        (self.picks.indices() / 512).next_power_of_two().clamp(8, 64)
    }

    /// A kernel for this shape.
    fn printed(&self, params: &[(String, Param)], threads: u32, body: &str, blocks: usize) -> Printed {
        let Picks { batches, middle, picks, size, inner } = self.picks;
        let (inner, none, count) = (inner / self.lanes(), batches * size, self.picks.indices());
        let shape = format!(
            "struct @_shape {{\n    static constexpr index MIDDLE = {middle}u, PICKS = {picks}u, SIZE = {size}u, \
             INNER = {inner}u;\n    static constexpr index NONE = {none}u, COUNT = {count}u, CHUNK = {}u;\n}};\n",
            self.chunk()
        );
        Printed::new(family!("scatter"), &shape, params, threads, body).on([blocks as u32, 1, 1])
    }
}

/// Parameters that point at buffers.
fn pointers<const N: usize>(buffers: [(&str, BufferIndex); N]) -> Vec<(String, Param)> {
    buffers.into_iter().map(|(declared, buffer)| (declared.to_string(), Param::pointer(buffer))).collect()
}

/// The type that numbers are combined as.
fn held(dtype: DType) -> DType {
    match dtype {
        DType::BF16 | DType::F16 => DType::F32,
        DType::F32 | DType::F64 | DType::I32 | DType::I64 | DType::U8 | DType::U32 | DType::Bool => dtype,
    }
}

/// The name of what combines, in scatter.cu.
fn kind(kind: ScatterKind) -> &'static str {
    match kind {
        ScatterKind::Set => "ScatterSet",
        ScatterKind::Add => "ScatterAdd",
        ScatterKind::Max => "ScatterMax",
        ScatterKind::Min => "ScatterMin",
    }
}
