//! Running totals.

use cornu_ir::DType;
use cornu_ir::ops::Cumulative;

use super::lines::Lines;
use super::reduce::Fold;
use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::print::c_type;
use crate::source::family;

/// Elements that a thread takes from each tile: `TILE_ITEMS` of `cumulative.cu`.
const TILE_ITEMS: usize = 4;
/// So many neighbouring lines are walked by a thread each.
const SIDE_BY_SIDE: usize = 1 << 13;
/// Elements of a part at least.
const PART: usize = 1 << 12;
/// Blocks that few long lines are cut into.
const BUSY_BLOCKS: usize = 132 * 4;

/// How one op is laid on threads.
#[derive(Debug)]
pub(crate) struct Running {
    fold: Fold,
    element: &'static str,
    lines: Lines,
    reverse: bool,
    threads: usize,
    /// The parts of each line.
    parts: usize,
}

impl Running {
    pub(crate) fn new(op: &Cumulative, dtype: DType, sizes: &[usize]) -> Running {
        let lines = Lines::new(sizes, op.axis);
        let parts = (BUSY_BLOCKS / lines.count().max(1)).min(lines.length / PART).max(1);
        Running {
            fold: Fold::of(op.kind, dtype),
            element: c_type(dtype),
            lines,
            reverse: op.reverse,
            threads: lines.length.div_ceil(TILE_ITEMS).next_power_of_two().clamp(32, THREADS as usize),
            parts,
        }
    }

    /// The bytes of the totals of all parts; 0 where lines are whole.
    pub(crate) fn bytes_of_totals(&self) -> usize {
        if self.parts == 1 { 0 } else { self.lines.count() * self.parts * self.fold.total_bytes() }
    }

    fn is_side_by_side(&self) -> bool {
        self.lines.count() >= SIDE_BY_SIDE && (self.lines.inner >= 32 || self.lines.length <= 8)
    }

    fn kernel(&self, name: &str, params: &[(String, Param)], args: &str) -> Printed {
        let Running { fold, lines, reverse, threads, parts, .. } = self;
        let (fold, line) = (fold.name(), lines.printed());
        let body = format!("{name}<{fold}, {line}, {parts}u, {threads}, {reverse}>({args});");
        let grid = [(lines.count() * parts) as u32, 1, 1];
        Printed::new(family!("cumulative"), "", params, self.threads as u32, &body).on(grid)
    }

    fn from(&self, from: BufferIndex) -> (String, Param) {
        (format!("const {}* from", self.element), Param::pointer(from))
    }

    fn to(&self, to: BufferIndex) -> (String, Param) {
        (format!("{}* to", self.element), Param::pointer(to))
    }

    /// The totals of all parts of lines that are cut.
    pub(crate) fn totals(&self, from: BufferIndex, totals: BufferIndex) -> Printed {
        let to = (format!("{}::Total* totals", self.fold.name()), Param::pointer(totals));
        self.kernel("cumulate_parts", &[self.from(from), to], "from, totals")
    }

    /// The running totals, of lines that are cut by way of the totals of their parts.
    pub(crate) fn running(&self, from: BufferIndex, totals: Option<BufferIndex>, to: BufferIndex) -> Printed {
        if let Some(totals) = totals {
            let before = (format!("const {}::Total* totals", self.fold.name()), Param::pointer(totals));
            return self.kernel("cumulate", &[self.from(from), self.to(to), before], "from, to, totals");
        }
        if !self.is_side_by_side() {
            return self.kernel("cumulate", &[self.from(from), self.to(to)], "from, to, nullptr");
        }
        let (fold, line, count) = (self.fold.name(), self.lines.printed(), self.lines.count());
        let body = format!("cumulate_side_by_side<{fold}, {line}, {count}u, {}>(from, to);", self.reverse);
        let params = [self.from(from), self.to(to)];
        Printed::new(family!("cumulative"), "", &params, THREADS, &body).on([blocks(count, THREADS), 1, 1])
    }
}
