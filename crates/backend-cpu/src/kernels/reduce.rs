//! Reductions: the head's values are folded block by block as they are computed, and never stored.
//!
//! Whatever axes are reduced, the innermost part of the iteration space is a box `[rows, length, columns]` that lies
//! in one piece: `length` is folded away. With one column, each row is a run of consecutive elements; with more, rows
//! of columns are folded into each other. Axes outside the box are walked one by one.

use std::marker::PhantomData;
use std::ops::Range;

use cornu_ir::ops::Reduction;
use cornu_ir::plan::{ALIGNMENT, ReduceAxis};

use super::map::Code;
use super::{BufferIndex, Buffers, Site, Task};
use crate::pieces::Pieces;
use crate::simd::Isa;
use crate::simd::fold::{Fold, Max, Min, Prod, Sum, fold_columns, fold_rows, join_totals};
use crate::simd::plain::{bytes, elements_mut};
use crate::simd::table::{Held, numbers};

/// Results that are folded at the same time.
const GROUP: usize = 1024;
/// Columns that a piece keeps together, so that it reads memory in long stretches.
const COLUMNS: usize = 1024;
/// A reduction is cut along its length only to make about so many pieces.
const PIECES: usize = 128;

/// The tasks of a reduction. `temporary` gives memory, of so many bytes, that lasts from one task to the next.
pub(crate) fn reduce(
    kind: Reduction,
    held: Held,
    axes: &[ReduceAxis],
    head: Code,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let space = Space::new(axes);
    let tasks = match kind {
        Reduction::Sum => numbers!(held, N => tasks::<Sum<N>>(space, head, tail, temporary)),
        Reduction::Prod => numbers!(held, N => tasks::<Prod<N>>(space, head, tail, temporary)),
        Reduction::Max => numbers!(held, N => tasks::<Max<N>>(space, head, tail, temporary)),
        Reduction::Min => numbers!(held, N => tasks::<Min<N>>(space, head, tail, temporary)),
    };
    tasks.expect("registers hold numbers")
}

fn tasks<F: Fold>(
    space: Space,
    head: Code,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let (cut, fold) = (Cut::new(&space, head.places_per_piece()), PhantomData::<F>);
    let (parts, results) = (cut.parts(), space.results());
    if parts == 1 {
        return vec![Box::new(FoldTask { space, cut, head, finish: Finish::Tail { tail }, fold })];
    }
    let buffer = temporary(parts * results * size_of::<F::Total>());
    vec![
        Box::new(FoldTask { space, cut, head, finish: Finish::Keep { buffer }, fold }),
        join_task::<F>(results, parts, buffer, tail),
    ]
}

/// The task that joins the totals of `parts` parts, which lie one part after the other, and runs the tail.
pub(super) fn join_task<F: Fold>(
    results: usize,
    parts: usize,
    totals: BufferIndex,
    tail: Code,
) -> Box<dyn Task> {
    Box::new(JoinTask { results, parts, totals, finish: Finish::Tail { tail }, fold: PhantomData::<F> })
}

/// The iteration space of a reduction.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Space {
    /// Axes outside the box, outermost first.
    outer: Vec<ReduceAxis>,
    rows: usize,
    length: usize,
    columns: usize,
}

impl Space {
    fn new(axes: &[ReduceAxis]) -> Space {
        let mut outer: Vec<ReduceAxis> = Vec::new();
        for &axis in axes.iter().filter(|axis| axis.size != 1) {
            match outer.last_mut() {
                Some(last) if last.reduced == axis.reduced => last.size *= axis.size,
                _ => outer.push(axis),
            }
        }
        let mut inner =
            |reduced: bool| outer.pop_if(|axis| axis.reduced == reduced).map_or(1, |axis| axis.size);
        let columns = inner(false);
        let length = inner(true);
        let rows = inner(false);
        Space { outer, rows, length, columns }
    }

    fn outer_size(&self, reduced: bool) -> usize {
        self.outer.iter().filter(|axis| axis.reduced == reduced).map(|axis| axis.size).product()
    }

    /// Number of results.
    fn results(&self) -> usize {
        self.outer_size(false) * self.rows * self.columns
    }

    /// Elements that each result is made of.
    fn depth(&self) -> usize {
        self.outer_size(true) * self.length
    }

    /// The first element of the box at these coordinates, counted along the kept and the reduced axes outside it.
    fn box_start(&self, mut kept: usize, mut reduced: usize) -> usize {
        let mut stride = self.rows * self.length * self.columns;
        let mut start = 0;
        for axis in self.outer.iter().rev() {
            let coordinate = if axis.reduced { &mut reduced } else { &mut kept };
            start += *coordinate % axis.size * stride;
            *coordinate /= axis.size;
            stride *= axis.size;
        }
        start
    }
}

/// How a reduction is cut: by results, and where these are few, along the depth of each.
#[derive(Clone, Copy, Debug)]
struct Cut {
    results: Pieces,
    depth: Pieces,
}

impl Cut {
    /// Pieces of about `grain` elements.
    fn new(space: &Space, grain: usize) -> Cut {
        let (results, depth) = (space.results(), space.depth());
        let least = (grain / depth.max(1)).max(COLUMNS.min(space.columns));
        let step = if least >= space.columns { space.columns } else { 64 };
        let by_results = Pieces::new(results, least, step.max(1));
        let parts = (results * depth / grain).min(PIECES) / by_results.count().max(1);
        Cut { results: by_results, depth: Pieces::new(depth, depth.div_ceil(parts.max(1)), 1) }
    }

    /// The number of parts that each result is put together from.
    fn parts(&self) -> usize {
        self.depth.count().max(1)
    }
}

/// Folds the head. Where the depth is cut, its results are the totals of each part, for [`JoinTask`] to put together.
struct FoldTask<F: Fold> {
    space: Space,
    cut: Cut,
    head: Code,
    finish: Finish,
    fold: PhantomData<F>,
}

/// What is done with totals.
enum Finish {
    /// They are kept, part by part.
    Keep { buffer: BufferIndex },
    /// They are results, of which the tail makes outputs.
    Tail { tail: Code },
}

impl<F: Fold> Task for FoldTask<F> {
    fn pieces(&self) -> usize {
        self.cut.results.count() * self.cut.parts()
    }

    fn scratch_bytes(&self) -> usize {
        GROUP * size_of::<F::Total>()
            + self.head.scratch_bytes().next_multiple_of(ALIGNMENT)
            + self.finish.scratch_bytes::<F>()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (group, part) = (piece / self.cut.parts(), piece % self.cut.parts());
        let (results, depth) = (self.cut.results.range(group), self.cut.depth.range(part));
        let (totals, scratch) = at.scratch.split_at_mut(GROUP * size_of::<F::Total>());
        let (head, rest) = scratch.split_at_mut(self.head.scratch_bytes().next_multiple_of(ALIGNMENT));
        if !depth.is_empty() {
            self.head.begin(at.isa, at.buffers, head);
        }
        let mut walk = Walk { task: self, isa: at.isa, buffers: at.buffers, scratch: head };
        for start in results.clone().step_by(GROUP) {
            let range = start..(start + GROUP).min(results.end);
            let totals = &mut elements_mut::<F::Total>(totals)[..range.len()];
            totals.fill(F::NOTHING);
            walk.results(range.clone(), depth.clone(), totals);
            self.finish.run::<F>(at.isa, at.buffers, rest, totals, range, part * self.space.results());
        }
    }
}

/// One piece's way through the iteration space.
struct Walk<'a, F: Fold> {
    task: &'a FoldTask<F>,
    isa: Isa,
    buffers: Buffers<'a>,
    scratch: &'a mut [u8],
}

impl<F: Fold> Walk<'_, F> {
    /// Folds part of the depth of some results: for each box, those of its rows and columns that are among them.
    fn results(&mut self, results: Range<usize>, depth: Range<usize>, totals: &mut [F::Total]) {
        let Space { rows, columns, .. } = self.task.space;
        let mut done = 0;
        while done < totals.len() {
            let result = results.start + done;
            let (row, column) = (result / columns, result % columns);
            let left = totals.len() - done;
            let (outer, row) = (row / rows, row % rows);
            // Whole rows of results as far as the box reaches, or what there is of one row.
            let (take, width) = if column == 0 && left >= columns {
                ((left / columns).min(rows - row) * columns, columns)
            } else {
                let width = (columns - column).min(left);
                (width, width)
            };
            self.depth(outer, row, column, depth.clone(), &mut totals[done..done + take], width);
            done += take;
        }
    }

    /// Folds part of the depth of results of one box, `width` columns of each row.
    fn depth(
        &mut self,
        outer: usize,
        row: usize,
        column: usize,
        depth: Range<usize>,
        totals: &mut [F::Total],
        width: usize,
    ) {
        let Space { length, columns, .. } = self.task.space;
        let mut place = depth.start;
        while place < depth.end {
            let (reduced, from) = (place / length, place % length);
            let run = (length - from).min(depth.end - place);
            let start = self.task.space.box_start(outer, reduced);
            let first = start + (row * length + from) * columns + column;
            if columns == 1 {
                self.rows(first, run, totals);
            } else {
                for (row, totals) in totals.chunks_exact_mut(width).enumerate() {
                    self.columns(first + row * length * columns, run, totals);
                }
            }
            place += run;
        }
    }

    /// Folds `run` elements of each of some neighbouring rows; the first begins at element `first`.
    fn rows(&mut self, first: usize, run: usize, totals: &mut [F::Total]) {
        let length = self.task.space.length;
        let block = self.task.head.block();
        if run == length && run <= block {
            // Several short rows are one block.
            for (group, totals) in totals.chunks_mut(block / run).enumerate() {
                let start = first + group * (block / run) * length;
                let isa = self.isa;
                fold_rows::<F>(isa, totals, self.values(start, totals.len() * run), run);
            }
            return;
        }
        for (row, total) in totals.iter_mut().enumerate() {
            for start in (0..run).step_by(block) {
                let (isa, places) = (self.isa, block.min(run - start));
                let values = self.values(first + row * length + start, places);
                fold_rows::<F>(isa, std::slice::from_mut(total), values, places);
            }
        }
    }

    /// Folds `run` rows of columns into each other; the first begins at element `first`.
    fn columns(&mut self, first: usize, run: usize, totals: &mut [F::Total]) {
        let (isa, columns, width) = (self.isa, self.task.space.columns, totals.len());
        let (head, block) = (&self.task.head, self.task.head.block());
        let last = run.saturating_sub(1) * columns;
        if let Some(values) = head.values_in_place(self.buffers, first, last + width) {
            // Rows that lie in memory are folded some at a time, however far apart they are.
            fold_columns::<F>(isa, totals, values, run, columns);
            return;
        }
        if width == columns && columns <= block {
            // Several narrow rows are one block.
            for start in (0..run).step_by(block / columns) {
                let rows = (block / columns).min(run - start);
                let values = self.values(first + start * columns, rows * columns);
                fold_columns::<F>(isa, totals, values, rows, columns);
            }
            return;
        }
        for row in 0..run {
            for (chunk, totals) in totals.chunks_mut(block).enumerate() {
                let values = self.values(first + row * columns + chunk * block, totals.len());
                fold_columns::<F>(isa, totals, values, 1, totals.len());
            }
        }
    }

    /// The head's values at so many places.
    fn values(&mut self, start: usize, places: usize) -> &[F::X] {
        self.task.head.values(self.isa, self.buffers, self.scratch, start, places)
    }
}

impl Finish {
    fn scratch_bytes<F: Fold>(&self) -> usize {
        match self {
            Finish::Keep { .. } => 0,
            Finish::Tail { tail } => GROUP * size_of::<F::X>() + tail.scratch_bytes(),
        }
    }

    /// Finishes some results; `offset` is where the totals of the part begin among those that are kept.
    fn run<F: Fold>(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        scratch: &mut [u8],
        totals: &[F::Total],
        results: Range<usize>,
        offset: usize,
    ) {
        match self {
            Finish::Keep { buffer } => {
                let places = offset + results.start..offset + results.end;
                // SAFETY: pieces cover different results or different parts.
                unsafe { buffers.write(*buffer, places) }.copy_from_slice(totals);
            }
            Finish::Tail { tail } => {
                let (roots, scratch) = scratch.split_at_mut(GROUP * size_of::<F::X>());
                let roots = &mut elements_mut::<F::X>(roots)[..totals.len()];
                roots.iter_mut().zip(totals).for_each(|(root, &total)| *root = F::lower(total));
                tail.run(isa, buffers, scratch, bytes(roots), results);
            }
        }
    }
}

/// Puts together the totals of all parts, in their order, and runs the tail.
struct JoinTask<F: Fold> {
    results: usize,
    parts: usize,
    totals: BufferIndex,
    finish: Finish,
    fold: PhantomData<F>,
}

impl<F: Fold> JoinTask<F> {
    fn cut(&self) -> Pieces {
        Pieces::new(self.results, GROUP, GROUP)
    }
}

impl<F: Fold> Task for JoinTask<F> {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn scratch_bytes(&self) -> usize {
        GROUP * size_of::<F::Total>() + self.finish.scratch_bytes::<F>()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (totals, scratch) = at.scratch.split_at_mut(GROUP * size_of::<F::Total>());
        let kept = at.buffers.read::<F::Total>(self.totals);
        let range = self.cut().range(piece);
        for start in range.clone().step_by(GROUP) {
            let results = start..(start + GROUP).min(range.end);
            let totals = &mut elements_mut::<F::Total>(totals)[..results.len()];
            totals.fill(F::NOTHING);
            for part in 0..self.parts {
                let offset = part * self.results;
                join_totals::<F>(at.isa, totals, &kept[offset + results.start..offset + results.end]);
            }
            self.finish.run::<F>(at.isa, at.buffers, scratch, totals, results, 0);
        }
    }
}
