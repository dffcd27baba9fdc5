//! Where elements stand in sorted order.

use cornu_ir::DType;
use cornu_ir::ops::ArgSort;

use super::lines::Lines;
use super::{Printed, THREADS, blocks};
use crate::launch::{BufferIndex, Param};
use crate::print::c_type;
use crate::source::family;

/// The most elements that are sorted in shared memory.
const ROOM: usize = 2048;
/// The most threads that sort there.
const MOST_THREADS: usize = 512;
/// Elements that a thread merges: `MERGE_ITEMS` of `sort.cu`.
const MERGE_ITEMS: usize = 8;

/// How one op is laid on threads.
#[derive(Debug)]
pub(crate) struct Sorting {
    element: &'static str,
    /// The type of keys, and its bytes.
    key: (&'static str, usize),
    lines: Lines,
    /// The lines of the result.
    result: Lines,
    descending: bool,
    room: usize,
    threads: usize,
}

/// Keys and places of all lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    pub(crate) keys: BufferIndex,
    pub(crate) places: BufferIndex,
}

impl Sorting {
    pub(crate) fn new(op: &ArgSort, dtype: DType, sizes: &[usize]) -> Sorting {
        let lines = Lines::new(sizes, op.axis);
        let room = lines.length.next_power_of_two().clamp(2, ROOM);
        Sorting {
            element: c_type(dtype),
            key: if dtype.bytes() > 4 { ("u64", 8) } else { ("u32", 4) },
            lines,
            result: Lines { length: op.count, ..lines },
            descending: op.descending,
            room,
            threads: (room / 2).clamp(32, MOST_THREADS),
        }
    }

    /// True if each line fits into shared memory.
    pub(crate) fn is_short(&self) -> bool {
        self.lines.length <= self.room
    }

    /// The bytes of the keys of all elements.
    pub(crate) fn key_bytes(&self) -> usize {
        self.lines.count() * self.lines.length * self.key.1
    }

    /// The bytes of the places of all elements.
    pub(crate) fn place_bytes(&self) -> usize {
        self.lines.count() * self.lines.length * size_of::<u32>()
    }

    /// How long the runs are that each pass merges.
    pub(crate) fn passes(&self) -> Vec<usize> {
        let doubled = |&run: &usize| Some(run * 2);
        std::iter::successors(Some(self.room), doubled).take_while(|&run| run < self.lines.length).collect()
    }

    fn from(&self, from: BufferIndex) -> (String, Param) {
        (format!("const {}* from", self.element), Param::pointer(from))
    }

    fn runs(&self, name: &str, Runs { keys, places }: Runs) -> (String, Param) {
        let pointers = Param::Pointers([keys, places].into_iter().collect());
        (format!("const sort_family::Runs<{}> {name}", self.key.0), pointers)
    }

    fn to(to: BufferIndex) -> (String, Param) {
        ("i32* to".to_string(), Param::pointer(to))
    }

    fn run(length: usize) -> (String, Param) {
        ("i64 run".to_string(), Param::Number(length as i64))
    }

    /// Sorts lines that fit into shared memory.
    pub(crate) fn short(&self, from: BufferIndex, to: BufferIndex) -> Printed {
        let Sorting { key, lines, result, descending, room, threads, .. } = self;
        let (line, result, count) = (lines.printed(), result.printed(), lines.count());
        let body = format!(
            "sort_lines<{}, {line}, {result}, {count}u, {room}u, {threads}, {descending}>(from, to);",
            key.0
        );
        let params = [self.from(from), Sorting::to(to)];
        let printed = Printed::new(family!("sort"), "", &params, *threads as u32, &body);
        printed.on([blocks(count, 1), 1, 1])
    }

    /// Sorts runs of longer lines.
    pub(crate) fn sorted_runs(&self, from: BufferIndex, to: Runs) -> Printed {
        let Sorting { key, lines, descending, room, threads, .. } = self;
        let (line, count) = (lines.printed(), lines.count());
        let body =
            format!("sort_runs<{}, {line}, {count}u, {room}u, {threads}, {descending}>(from, to);", key.0);
        let params = [self.from(from), self.runs("to", to)];
        let runs = count * lines.length.div_ceil(*room);
        let printed = Printed::new(family!("sort"), "", &params, *threads as u32, &body);
        printed.on([blocks(runs, 1), 1, 1])
    }

    /// Merges runs of so many elements to runs of twice as many.
    pub(crate) fn merged_runs(&self, from: Runs, to: Runs, run: usize) -> Printed {
        let Sorting { key, lines, .. } = self;
        let body = format!("merge_runs<{}, {}, {}u>(from, to, run);", key.0, lines.printed(), lines.count());
        let params = [self.runs("from", from), self.runs("to", to), Sorting::run(run)];
        self.merge(&params, &body, lines.length)
    }

    /// Merges the last two runs of each line.
    pub(crate) fn merged_lines(&self, from: Runs, to: BufferIndex, run: usize) -> Printed {
        let Sorting { key, lines, result, .. } = self;
        let (line, count) = (lines.printed(), lines.count());
        let body = format!("merge_lines<{}, {line}, {}, {count}u>(from, to, run);", key.0, result.printed());
        let params = [self.runs("from", from), Sorting::to(to), Sorting::run(run)];
        self.merge(&params, &body, result.length)
    }

    fn merge(&self, params: &[(String, Param)], body: &str, wanted: usize) -> Printed {
        let pieces = self.lines.count() * wanted.div_ceil(MERGE_ITEMS);
        Printed::new(family!("sort"), "", params, THREADS, body).on([blocks(pieces, THREADS), 1, 1])
    }
}
