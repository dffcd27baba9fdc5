//! Products of rows that lie anywhere: the left operand is not packed, each of its rows is read where it is.
//!
//! A row is a list of runs, neighbours in memory of one length, such as the channels that each tap of a convolution
//! meets. Rows are multiplied by strips of the right operand, packed as for any product, tile by tile in registers.

use std::ops::Range;

use super::number::Number;
use super::vector::Vector;
use super::{Loop, Target};

/// In a list of runs: one of zeros.
pub(crate) const ZEROS: u32 = u32::MAX;

/// Products that are summed in one go.
pub(super) const STRETCH: usize = 256;

/// Up to so many rows have loops of their own.
const FEW: usize = 4;
const SOME: usize = 8;

/// Strips that a single row is multiplied with at once: with fewer, each sum would wait for the one before.
const TOGETHER: usize = 4;

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

/// The columns that rows are multiplied with, strip by strip of two vectors.
#[derive(Clone, Copy)]
pub(crate) struct Strips<'a, N> {
    /// Row `k` of strip `s` begins at `s·strip + k·row`.
    pub(crate) from: &'a [N],
    pub(crate) strip: usize,
    pub(crate) row: usize,
}

/// Products of rows with some columns.
pub(crate) struct RowProduct<'a, N> {
    pub(crate) rows: Rows<'a, N>,
    /// Numbers of a run.
    pub(crate) run: usize,
    /// What [`ZEROS`] stands for: a run of zeros. Where it is not used, any run of numbers.
    pub(crate) zeros: &'a [N],
    /// The strips that the columns are in, each for all runs.
    pub(crate) right: Strips<'a, N>,
    pub(crate) columns: usize,
    /// The results, `columns` for each place.
    pub(crate) sums: &'a mut [N],
    /// True if the results hold nothing yet, and are not to be added to.
    pub(crate) is_first: bool,
}

/// The product by vectors `V`, `MR` rows at a time.
pub(crate) struct RowTiles<'a, V: Vector, const MR: usize>(pub(crate) RowProduct<'a, V::N>);

impl<N> Rows<'_, N> {
    /// Panics unless every run of so many numbers lies within the memory; after that they are read unchecked.
    #[inline(always)]
    pub(super) fn check(&self, run: usize) {
        let Rows { from, distance, offset, runs, .. } = *self;
        // Runs of numbers up to this one do; wrapping, no run at all becomes 0.
        let limit = from.len().checked_sub(offset + run).map_or(0, |room| room / distance.max(1) + 1);
        let most = runs.iter().map(|run| run.wrapping_add(1)).max().unwrap_or(0);
        assert!(most as usize <= limit, "runs lie within their memory");
    }

    /// Where a run begins that is not [`ZEROS`].
    ///
    /// # Safety
    /// [`Rows::check`] has seen it.
    #[inline(always)]
    pub(super) unsafe fn run_at(&self, number: u32) -> *const N {
        // SAFETY: within the memory, as `check` has seen.
        unsafe { self.from.as_ptr().add(number as usize * self.distance + self.offset) }
    }
}

impl<V: Vector, const MR: usize> Loop for RowTiles<'_, V, MR> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        let RowProduct { rows, run, zeros, right, columns, .. } = self.0;
        rows.check(run);
        let depth = rows.runs.len() / rows.order.len().max(1) * run;
        let strip = 2 * V::LANES;
        let last = (columns.div_ceil(strip) - 1) * right.strip + (depth - 1) * right.row;
        let left_over = (columns - 1) % strip + 1;
        assert!(zeros.len() >= run && last + left_over.next_multiple_of(V::LANES) <= right.from.len());
        let mut first = 0;
        while rows.order.len() == 1 && columns - first >= TOGETHER * strip {
            self.one_row(first);
            first += TOGETHER * strip;
        }
        for first in (first..columns).step_by(strip) {
            // Half a strip costs half the time.
            if columns - first > V::LANES { self.strip::<2>(first) } else { self.strip::<1>(first) }
        }
    }
}

impl<V: Vector, const MR: usize> RowTiles<'_, V, MR> {
    /// All rows with one strip, of which `NV` vectors count.
    #[inline(always)]
    fn strip<const NV: usize>(&mut self, first: usize) {
        let count = self.0.rows.order.len();
        for row in (0..count).step_by(MR) {
            // A few rows are not worth the arithmetic of many.
            match count - row {
                height @ 1..=FEW => self.tile::<FEW, NV>(first, row..row + height),
                height if height <= SOME && SOME < MR => self.tile::<SOME, NV>(first, row..row + height),
                height => self.tile::<MR, NV>(first, row..row + height.min(MR)),
            }
        }
    }

    /// Some rows, at most `MR`, with one strip.
    #[inline(always)]
    fn tile<const HEIGHT: usize, const NV: usize>(&mut self, first: usize, tile: Range<usize>) {
        let RowProduct { run, zeros, right, columns, rows, is_first, .. } = self.0;
        let (count, width) = (rows.order.len(), 2 * V::LANES);
        // SAFETY: within the strips, as `run` has checked.
        let right_at = unsafe { right.from.as_ptr().add(first / width * right.strip) };
        // Long sums are made of shorter ones, which keeps their errors small.
        let together = count * (STRETCH / run).max(1);
        for (part, runs) in rows.runs.chunks(together).enumerate() {
            // SAFETY: `multiply_rows` runs this with vectors of the set that `Isa::run` compiles it for; and `run` has
            // checked that runs and strips are where they are read.
            unsafe {
                let mut sums = [[V::splat(V::N::ZERO); NV]; HEIGHT];
                for (number, runs) in runs.chunks_exact(count).enumerate() {
                    let k = (part * together / count + number) * run;
                    let runs = &runs[tile.clone()];
                    if runs.iter().all(|&run| run == ZEROS) {
                        continue;
                    }
                    let mut left = [zeros.as_ptr(); HEIGHT];
                    for (left, &number) in left.iter_mut().zip(runs) {
                        *left = if number == ZEROS { zeros.as_ptr() } else { rows.run_at(number) };
                    }
                    accumulate(&mut sums, left, right_at.add(k * right.row), right.row, run);
                }
                for (sums, &place) in sums.iter().zip(&rows.order[tile.clone()]) {
                    let out = &mut self.0.sums[place as usize * columns + first..];
                    write(sums, out, columns - first, is_first && part == 0);
                }
            }
        }
    }

    /// The only row with the strips from column `first` on.
    #[inline(always)]
    fn one_row(&mut self, first: usize) {
        let RowProduct { run, zeros, right, rows, is_first, .. } = self.0;
        let width = 2 * V::LANES;
        let parts = rows.runs.chunks((STRETCH / run).max(1));
        let mut k = 0;
        for (part, runs) in parts.enumerate() {
            // SAFETY: as in `tile`; and there are so many strips from `first` on.
            unsafe {
                let strip_at = |strip: usize, k: usize| {
                    right.from.as_ptr().add((first / width + strip) * right.strip + k * right.row)
                };
                let mut sums = [[V::splat(V::N::ZERO); 2]; TOGETHER];
                for &number in runs {
                    let left = if number == ZEROS { zeros.as_ptr() } else { rows.run_at(number) };
                    for i in 0..run {
                        let x = V::splat_at(left.add(i));
                        for (strip, sums) in sums.iter_mut().enumerate() {
                            for (j, sum) in sums.iter_mut().enumerate() {
                                let vector = V::load_at(strip_at(strip, k + i).add(j * V::LANES));
                                *sum = x.mul_add(vector, *sum);
                            }
                        }
                    }
                    k += run;
                }
                for (strip, sums) in sums.iter().enumerate() {
                    let out = &mut self.0.sums[first + strip * width..];
                    write(sums, out, width, is_first && part == 0);
                }
            }
        }
    }
}

/// Adds the products of a run of each row with a strip.
///
/// # Safety
/// The machine has the instruction set of `V`; `run` numbers lie at each of `left`, and `NV` vectors at `right` and at
/// each of the `run - 1` places that follow it in a distance of `row`.
#[inline(always)]
unsafe fn accumulate<V: Vector, const MR: usize, const NV: usize>(
    sums: &mut [[V; NV]; MR],
    left: [*const V::N; MR],
    right: *const V::N,
    row: usize,
    run: usize,
) {
    let mut sums_here = *sums;
    for k in 0..run {
        // SAFETY: as the caller promises.
        unsafe {
            let mut strip = [V::splat(V::N::ZERO); NV];
            for (j, vector) in strip.iter_mut().enumerate() {
                *vector = V::load_at(right.add(k * row + j * V::LANES));
            }
            for (sums, left) in sums_here.iter_mut().zip(left) {
                let x = V::splat_at(left.add(k));
                for (sum, &vector) in sums.iter_mut().zip(&strip) {
                    *sum = x.mul_add(vector, *sum);
                }
            }
        }
    }
    *sums = sums_here;
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
