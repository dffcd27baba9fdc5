//! Where the elements of each line stand in sorted order.

use std::cmp::Ordering;
use std::marker::PhantomData;

use super::lines::Lines;
use super::{BufferIndex, Site, Task};
use crate::pieces::Pieces;
use crate::simd::number::Number;
use crate::simd::plain::elements_mut;
use crate::simd::table::{Held, numbers};

/// The indices of the first `count` elements of each line.
pub(crate) fn arg_sort(
    held: Held,
    lines: Lines,
    descending: bool,
    count: usize,
    from: BufferIndex,
    to: BufferIndex,
) -> Box<dyn Task> {
    let task = numbers!(held, N => {
        let task: Box<dyn Task> = Box::new(SortTask::<N> { lines, descending, count, from, to, number: PhantomData });
        task
    });
    task.expect("registers hold numbers")
}

struct SortTask<N> {
    lines: Lines,
    descending: bool,
    count: usize,
    from: BufferIndex,
    to: BufferIndex,
    number: PhantomData<N>,
}

impl<N: Number> SortTask<N> {
    fn cut(&self) -> Pieces {
        Pieces::new(self.lines.outer * self.lines.inner, (1 << 12) / self.lines.length.max(1), 1)
    }

    /// Sorts the indices of one line. Equal elements are ordered by index: so no memory is needed to keep their order.
    fn sort(&self, line: &[N], stride: usize, order: &mut [u32]) {
        order.iter_mut().zip(0..).for_each(|(place, index)| *place = index);
        let compare = |&a: &u32, &b: &u32| {
            let ordering = compare(line[a as usize * stride], line[b as usize * stride]);
            (if self.descending { ordering.reverse() } else { ordering }).then(a.cmp(&b))
        };
        if self.count < order.len() {
            order.select_nth_unstable_by(self.count, compare);
        }
        order[..self.count].sort_unstable_by(compare);
    }
}

/// The order of two numbers, NaN above all.
fn compare<N: Number>(a: N, b: N) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

impl<N: Number> Task for SortTask<N> {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn scratch_bytes(&self) -> usize {
        self.lines.length * size_of::<u32>()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let Lines { length, inner, .. } = self.lines;
        let order = &mut elements_mut::<u32>(at.scratch)[..length];
        let from = at.buffers.read::<N>(self.from);
        for line in self.cut().range(piece) {
            let (outer, column) = (line / inner, line % inner);
            let first = outer * length * inner + column;
            self.sort(from.get(first..).unwrap_or(&[]), inner, order);
            for (i, &index) in order[..self.count].iter().enumerate() {
                let place = (outer * self.count + i) * inner + column;
                // SAFETY: each place of each line is written once.
                let out = unsafe { at.buffers.write::<i32>(self.to, place..place + 1) };
                out[0] = index as i32;
            }
        }
    }
}
