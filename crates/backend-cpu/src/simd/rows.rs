//! Products of rows that lie anywhere: the left operand is not packed, each of its rows is read where it is.
//!
//! A row is a list of runs, neighbours in memory of one length, such as the channels that each tap of a convolution
//! meets. Rows are multiplied by strips of the right operand, packed as for any product, tile by tile in registers.

use super::number::Number;
use super::vector::Vector;
use super::{Loop, Target};

/// In a list of runs: one of zeros.
pub(crate) const ZEROS: u32 = u32::MAX;

/// Products of `order.len()` rows with some columns.
pub(crate) struct RowProduct<'a, N> {
    /// Where the runs lie: run number `i` begins at `i·distance + offset`.
    pub(crate) from: &'a [N],
    pub(crate) distance: usize,
    pub(crate) offset: usize,
    /// Numbers of a run.
    pub(crate) run: usize,
    /// For each run of the rows, the number of it for each row, or [`ZEROS`].
    pub(crate) runs: &'a [u32],
    /// A run of zeros.
    pub(crate) zeros: &'a [N],
    /// The strips of the right operand that the columns are in, each for all runs.
    pub(crate) right: &'a [N],
    pub(crate) columns: usize,
    /// For each row its place among the results.
    pub(crate) order: &'a [u32],
    /// The results, `columns` for each place.
    pub(crate) sums: &'a mut [N],
}

/// The product by vectors `V`, `MR` rows at a time.
pub(crate) struct RowTiles<'a, V: Vector, const MR: usize>(pub(crate) RowProduct<'a, V::N>);

impl<V: Vector, const MR: usize> Loop for RowTiles<'_, V, MR> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        let (strip, columns) = (2 * V::LANES, self.0.columns);
        for first in (0..columns).step_by(strip) {
            // Half a strip costs half the time.
            if columns - first > V::LANES { self.strip::<2>(first) } else { self.strip::<1>(first) }
        }
    }
}

impl<V: Vector, const MR: usize> RowTiles<'_, V, MR> {
    /// All rows with one strip, of which `NV` vectors count.
    #[inline(always)]
    fn strip<const NV: usize>(&mut self, first: usize) {
        let RowProduct { run, runs, right, columns, order, .. } = self.0;
        let (rows, width) = (order.len(), 2 * V::LANES);
        let right = &right[first * (runs.len() / rows) * run..];
        let columns_left = columns - first;
        for row in (0..rows).step_by(MR) {
            let height = MR.min(rows - row);
            // SAFETY: `multiply_rows` runs this with vectors of the set that `Isa::run` compiles it for.
            unsafe {
                let mut sums = [[V::splat(V::N::ZERO); NV]; MR];
                let each = runs.chunks_exact(rows).zip(right.chunks_exact(run * width));
                for (runs, right) in each {
                    let runs = &runs[row..row + height];
                    if runs.iter().any(|&run| run != ZEROS) {
                        accumulate(&mut sums, self.left(runs), right);
                    }
                }
                for (sums, &place) in sums.iter().zip(&order[row..row + height]) {
                    let out = &mut self.0.sums[place as usize * columns + first..];
                    write(sums, out, columns_left);
                }
            }
        }
    }

    /// One run of each row.
    #[inline(always)]
    fn left(&self, runs: &[u32]) -> [&[V::N]; MR] {
        let RowProduct { from, distance, offset, run, zeros, .. } = self.0;
        std::array::from_fn(|i| match runs.get(i) {
            Some(&number) if number != ZEROS => &from[number as usize * distance + offset..][..run],
            Some(_) | None => &zeros[..run],
        })
    }
}

/// Adds the products of a run.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
unsafe fn accumulate<V: Vector, const MR: usize, const NV: usize>(
    sums: &mut [[V; NV]; MR],
    left: [&[V::N]; MR],
    right: &[V::N],
) {
    for (k, right) in right.chunks_exact(2 * V::LANES).enumerate() {
        // SAFETY: as the caller promises.
        unsafe {
            let right: [V; NV] = std::array::from_fn(|j| V::load(&right[j * V::LANES..]));
            for i in 0..MR {
                let x = V::splat(left[i][k]);
                for j in 0..NV {
                    sums[i][j] = x.mul_add(right[j], sums[i][j]);
                }
            }
        }
    }
}

/// Writes the sums of a row, as many as there are columns.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
unsafe fn write<V: Vector, const NV: usize>(sums: &[V; NV], out: &mut [V::N], columns: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if columns >= NV * V::LANES {
            for (j, sum) in sums.iter().enumerate() {
                sum.store(&mut out[j * V::LANES..]);
            }
        } else {
            let mut row = [V::N::ZERO; 32];
            for (j, sum) in sums.iter().enumerate() {
                sum.store(&mut row[j * V::LANES..]);
            }
            out[..columns].copy_from_slice(&row[..columns]);
        }
    }
}
