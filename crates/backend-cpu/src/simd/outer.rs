//! Sums of outer products: for each place a few numbers of one tensor times a row of another. Nothing is packed: both
//! lie in memory as the innermost loop reads them.

use std::ops::Range;

use super::number::Number;
use super::rows::{Rows, STRETCH, ZEROS, write};
use super::vector::Vector;
use super::{Loop, Target};

/// Numbers of both operands that are worked on together: two thirds of a first-level cache.
pub(super) const CACHED: usize = 1 << 13;

/// The sum over places of `left·rightᵀ`, where `left` are `rows` numbers and `right` are `columns`.
pub(crate) struct OuterProduct<'a, N> {
    /// The left numbers: one run for each place.
    pub(crate) left: Rows<'a, N>,
    /// At place `i`, in the order of the runs, the right numbers begin at `i·right_distance + right_offset`. There
    /// are whole vectors of them.
    pub(crate) right: &'a [N],
    pub(crate) right_distance: usize,
    pub(crate) right_offset: usize,
    /// At least [`super::gemm::LEAST_ROWS`].
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// The sums, row after row.
    pub(crate) sums: &'a mut [N],
    /// True if the sums hold nothing yet, and are not to be added to.
    pub(crate) is_first: bool,
}

impl<N: Number> OuterProduct<'_, N> {
    /// Panics unless both operands lie within their memory; after that they are read unchecked.
    #[inline(always)]
    pub(super) fn check<V: Vector>(&self) {
        let OuterProduct { left, right, right_distance, right_offset, rows, columns, .. } = *self;
        left.check(rows);
        let last = left.runs.len().saturating_sub(1) * right_distance + right_offset;
        assert!(last + columns.next_multiple_of(V::LANES) <= right.len(), "each place has its row");
    }
}

/// The sum by vectors `V`: `MR` rows by two vectors, or twice as many rows by one, at a time.
pub(crate) struct OuterTiles<'a, V: Vector, const MR: usize, const TALL: usize>(
    pub(crate) OuterProduct<'a, V::N>,
);

impl<V: Vector, const MR: usize, const TALL: usize> Loop for OuterTiles<'_, V, MR, TALL> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        let OuterProduct { left, rows, columns, .. } = self.0;
        self.0.check::<V>();
        assert!(rows >= MR, "there are rows for a tile");
        // What is read of both operands at some places stays in the first-level cache for all tiles. And long sums are
        // made of shorter ones, which keeps their errors small.
        let together = (CACHED / (rows + columns)).clamp(64, STRETCH);
        let places = left.runs.len();
        for place in (0..places.max(1)).step_by(together) {
            let part = place..places.min(place + together);
            self.0.is_first &= place == 0;
            for column in (0..columns).step_by(2 * V::LANES) {
                if columns - column > V::LANES {
                    self.strip::<MR, 2>(column, &part);
                } else if rows >= TALL {
                    self.strip::<TALL, 1>(column, &part);
                } else {
                    self.strip::<MR, 1>(column, &part);
                }
            }
        }
    }
}

impl<V: Vector, const MR: usize, const TALL: usize> OuterTiles<'_, V, MR, TALL> {
    /// All rows of `NV` vectors of columns, over some places.
    #[inline(always)]
    fn strip<const ROWS: usize, const NV: usize>(&mut self, column: usize, places: &Range<usize>) {
        let OuterProduct { rows, columns, is_first, .. } = self.0;
        let columns_left = columns - column;
        for row in (0..rows).step_by(ROWS) {
            // The last rows are computed with some before them, which are not written again.
            let (row, known) = (row.min(rows - ROWS), row - row.min(rows - ROWS));
            // SAFETY: `multiply_outer` runs this with vectors of the set that `Isa::run` compiles it for.
            unsafe {
                let sums = self.tile::<ROWS, NV>(row, column, places.clone());
                for (i, sums) in sums.iter().enumerate().skip(known) {
                    let out = &mut self.0.sums[(row + i) * columns + column..];
                    write(sums, out, columns_left, is_first);
                }
            }
        }
    }

    /// The sums of a tile over some places.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`, and `run` has checked where both operands lie.
    #[inline(always)]
    unsafe fn tile<const ROWS: usize, const NV: usize>(
        &self,
        row: usize,
        column: usize,
        places: Range<usize>,
    ) -> [[V; NV]; ROWS] {
        let OuterProduct { left, right, right_distance, right_offset, .. } = self.0;
        // SAFETY: as the caller promises, here and below.
        let mut sums = unsafe { [[V::splat(V::N::ZERO); NV]; ROWS] };
        for (place, &number) in places.clone().zip(&left.runs[places]) {
            if number == ZEROS {
                continue;
            }
            // SAFETY: as above.
            unsafe {
                let from = left.run_at(number).add(row);
                let right = right.as_ptr().add(place * right_distance + right_offset + column);
                let mut strip = [V::splat(V::N::ZERO); NV];
                for (j, vector) in strip.iter_mut().enumerate() {
                    *vector = V::load_at(right.add(j * V::LANES));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = V::splat_at(from.add(i));
                    for (sum, &vector) in sums.iter_mut().zip(&strip) {
                        *sum = x.mul_add(vector, *sum);
                    }
                }
            }
        }
        sums
    }
}
