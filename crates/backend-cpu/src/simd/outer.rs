//! Sums of outer products: for each place a few numbers of one tensor times a row of another. Nothing is packed: both
//! lie in memory as the innermost loop reads them.

use std::ops::Range;

use super::number::Number;
use super::rows::{Rows, STRETCH, ZEROS, write};
use super::vector::Vector;
use super::{Loop, Target};

/// The sum over places of `left·rightᵀ`, where `left` are `rows` numbers and `right` are `columns`.
pub(crate) struct OuterProduct<'a, N> {
    /// The left numbers: one run for each place.
    pub(crate) left: Rows<'a, N>,
    /// At place `i`, in the order of the runs, the right numbers begin at `i·right_distance + right_offset`. There are whole vectors of them.
    pub(crate) right: &'a [N],
    pub(crate) right_distance: usize,
    pub(crate) right_offset: usize,
    /// At least [`super::gemm::LEAST_ROWS`].
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// The sums, row after row.
    pub(crate) sums: &'a mut [N],
}

/// The sum by vectors `V`: `MR` rows by two vectors, or twice as many rows by one, at a time.
pub(crate) struct OuterTiles<'a, V: Vector, const MR: usize, const TALL: usize>(
    pub(crate) OuterProduct<'a, V::N>,
);

impl<V: Vector, const MR: usize, const TALL: usize> Loop for OuterTiles<'_, V, MR, TALL> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        let OuterProduct { rows, columns, .. } = self.0;
        for column in (0..columns).step_by(2 * V::LANES) {
            if columns - column > V::LANES {
                self.strip::<MR, 2>(column);
            } else if rows >= TALL {
                self.strip::<TALL, 1>(column);
            } else {
                self.strip::<MR, 1>(column);
            }
        }
    }
}

impl<V: Vector, const MR: usize, const TALL: usize> OuterTiles<'_, V, MR, TALL> {
    /// All rows of `NV` vectors of columns. The last rows may be computed twice, rather than fewer at a time.
    #[inline(always)]
    fn strip<const ROWS: usize, const NV: usize>(&mut self, column: usize) {
        let OuterProduct { rows, columns, .. } = self.0;
        let columns_left = columns - column;
        for row in (0..rows).step_by(ROWS) {
            let row = row.min(rows - ROWS);
            let places = self.0.left.runs.len();
            // Long sums are made of shorter ones, which keeps their errors small.
            for place in (0..places.max(1)).step_by(STRETCH) {
                let places = place..places.min(place + STRETCH);
                // SAFETY: `multiply_outer` runs this with vectors of the set that `Isa::run` compiles it for.
                unsafe {
                    let sums = self.tile::<ROWS, NV>(row, column, places);
                    for (i, sums) in sums.iter().enumerate() {
                        let out = &mut self.0.sums[(row + i) * columns + column..];
                        write(sums, out, columns_left, place == 0);
                    }
                }
            }
        }
    }

    /// The sums of a tile.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`.
    #[inline(always)]
    unsafe fn tile<const ROWS: usize, const NV: usize>(
        &self,
        row: usize,
        column: usize,
        places: Range<usize>,
    ) -> [[V; NV]; ROWS] {
        let OuterProduct { left, right, right_distance, right_offset, .. } = self.0;
        let Rows { from, distance, offset, runs, .. } = left;
        // SAFETY: as the caller promises, here and below.
        let mut sums = unsafe { [[V::splat(V::N::ZERO); NV]; ROWS] };
        let right = &right[right_offset + column..];
        for (i, &number) in places.clone().zip(&runs[places]) {
            if number == ZEROS {
                continue;
            }
            let left = &from[number as usize * distance + offset + row..][..ROWS];
            let right = &right[i * right_distance..][..NV * V::LANES];
            // SAFETY: as above.
            unsafe {
                let right: [V; NV] = std::array::from_fn(|j| V::load(&right[j * V::LANES..]));
                for i in 0..ROWS {
                    let x = V::splat(left[i]);
                    for j in 0..NV {
                        sums[i][j] = x.mul_add(right[j], sums[i][j]);
                    }
                }
            }
        }
        sums
    }
}
