//! Products of rows that lie anywhere: the left operand is not packed, each of its rows is read where it is.
//!
//! A row is a list of runs, neighbours in memory of one length, such as the channels that each tap of a convolution
//! meets. Rows are multiplied by strips of the right operand, packed as for any product, tile by tile in registers.

use super::number::Number;
use super::vector::Vector;
use super::{Loop, Target};

/// In a list of runs: one of zeros.
pub(crate) const ZEROS: u32 = u32::MAX;

/// Products that are summed in one go.
pub(super) const STRETCH: usize = 256;

/// Rows that lie anywhere.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a, N> {
    /// Run number `i` begins at `i·distance + offset`.
    pub(crate) from: &'a [N],
    pub(crate) distance: usize,
    pub(crate) offset: usize,
    /// For each run of the rows, the number of it for each row, or [`ZEROS`].
    pub(crate) runs: &'a [u32],
    /// For each row its place among the results.
    pub(crate) order: &'a [u32],
}

/// Products of rows with some columns.
pub(crate) struct RowProduct<'a, N> {
    pub(crate) rows: Rows<'a, N>,
    /// Numbers of a run.
    pub(crate) run: usize,
    /// A run of zeros.
    pub(crate) zeros: &'a [N],
    /// The strips of the right operand that the columns are in, each for all runs.
    pub(crate) right: &'a [N],
    pub(crate) columns: usize,
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
        let RowProduct { run, right, columns, rows: Rows { runs, order, .. }, .. } = self.0;
        let (rows, width) = (order.len(), 2 * V::LANES);
        let right = &right[first * (runs.len() / rows) * run..];
        let columns_left = columns - first;
        // Long sums are made of shorter ones, which keeps their errors small.
        let together = rows * (STRETCH / run).max(1);
        for row in (0..rows).step_by(MR) {
            let height = MR.min(rows - row);
            let mut right = right;
            for (part, runs) in runs.chunks(together).enumerate() {
                // SAFETY: `multiply_rows` runs this with vectors of the set that `Isa::run` compiles it for.
                unsafe {
                    let mut sums = [[V::splat(V::N::ZERO); NV]; MR];
                    for runs in runs.chunks_exact(rows) {
                        let strip;
                        (strip, right) = right.split_at(run * width);
                        let runs = &runs[row..row + height];
                        if runs.iter().any(|&run| run != ZEROS) {
                            accumulate(&mut sums, self.left(runs), strip);
                        }
                    }
                    for (sums, &place) in sums.iter().zip(&order[row..row + height]) {
                        let out = &mut self.0.sums[place as usize * columns + first..];
                        write(sums, out, columns_left, part == 0);
                    }
                }
            }
        }
    }

    /// One run of each row.
    #[inline(always)]
    fn left(&self, runs: &[u32]) -> [&[V::N]; MR] {
        let RowProduct { run, zeros, rows: Rows { from, distance, offset, .. }, .. } = self.0;
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

/// Writes the sums of a row, as many as there are columns, or adds them to what is there.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[inline(always)]
pub(super) unsafe fn write<V: Vector, const NV: usize>(
    sums: &[V; NV],
    out: &mut [V::N],
    columns: usize,
    first: bool,
) {
    if columns >= NV * V::LANES {
        for (j, &sum) in sums.iter().enumerate() {
            let out = &mut out[j * V::LANES..];
            // SAFETY: as the caller promises.
            unsafe { if first { sum.store(out) } else { sum.add(V::load(out)).store(out) } }
        }
        return;
    }
    let mut row = [V::N::ZERO; 32];
    for (j, sum) in sums.iter().enumerate() {
        // SAFETY: as the caller promises.
        unsafe { sum.store(&mut row[j * V::LANES..]) };
    }
    let out = &mut out[..columns];
    if first {
        out.copy_from_slice(&row[..columns]);
    } else {
        out.iter_mut().zip(row).for_each(|(out, sum)| *out = out.add(sum));
    }
}
