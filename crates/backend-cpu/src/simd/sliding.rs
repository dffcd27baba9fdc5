//! Products of rows that overlap: the places of a line whose windows move by one element. What one place reads of an
//! element, its neighbours read too, each with another tap; so an element is brought into a register once for them all.
//!
//! That pays where columns are few: there each product of [`super::rows`] waits for a number of its own.

use super::number::Number;
use super::rows::{RowProduct, STRETCH, ZEROS, write};
use super::vector::Vector;
use super::{Loop, Target};

/// Taps along a line: so many products are made of an element.
pub(crate) const TAPS: usize = 3;
/// The most channels: with more, the products of a run are too many to be summed in one go, and copying the lines takes
/// what is saved.
pub(crate) const MOST_CHANNELS: usize = 64;
/// Lines are of a multiple of so many places: those of the shortest tile.
pub(crate) const PLACES: usize = 8;

/// The product by vectors `V`, where each run is [`TAPS`] runs of neighbours, and each of them the first one of the
/// next place of a line: `LONG` places of a line with one vector of columns at a time, or `SHORT` with two.
pub(crate) struct SlidingTiles<'a, V: Vector, const LONG: usize, const SHORT: usize> {
    pub(crate) product: RowProduct<'a, V::N>,
    /// Places of a line; there are whole lines.
    pub(crate) line: usize,
}

impl<V: Vector, const LONG: usize, const SHORT: usize> Loop for SlidingTiles<'_, V, LONG, SHORT> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        let RowProduct { rows, run, right, columns, sums, is_first, .. } = &self.product;
        rows.check(*run);
        let (places, line) = (rows.order.len(), self.line);
        let (depth, strip) = (rows.runs.len() / places.max(1) * run, 2 * V::LANES);
        assert!(rows.distance * TAPS == *run && *is_first, "runs of neighbours overlap");
        assert!(
            places.is_multiple_of(line) && line >= SHORT && places * columns <= sums.len(),
            "lines are whole"
        );
        let last = (columns.div_ceil(strip) - 1) * right.strip + (depth - 1) * right.row;
        let left_over = (columns - 1) % strip + 1;
        assert!(last + left_over.next_multiple_of(V::LANES) <= right.from.len(), "there are columns");
        for first in (0..*columns).step_by(strip) {
            if self.product.columns - first > V::LANES {
                self.strip::<SHORT, 2>(first);
            } else if line >= LONG {
                self.strip::<LONG, 1>(first);
            } else {
                self.strip::<SHORT, 1>(first);
            }
        }
    }
}

impl<V: Vector, const LONG: usize, const SHORT: usize> SlidingTiles<'_, V, LONG, SHORT> {
    /// All lines with one strip, of which `NV` vectors count.
    #[inline(always)]
    fn strip<const WIDTH: usize, const NV: usize>(&mut self, first: usize) {
        for start in (0..self.product.rows.order.len()).step_by(self.line) {
            for x in (0..self.line).step_by(WIDTH) {
                // The last places of a line are computed with some before them.
                let place = start + x.min(self.line - WIDTH);
                // SAFETY: `multiply_sliding` runs this with vectors of the set that `Isa::run` compiles it for; and
                // `run` has checked that runs and strips are where they are read.
                unsafe { self.tile::<WIDTH, NV>(first, place) };
            }
        }
    }

    /// `WIDTH` places of a line with one strip.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`; `run` has checked the product; and the places lie in one line.
    #[inline(always)]
    unsafe fn tile<const WIDTH: usize, const NV: usize>(&mut self, first: usize, place: usize) {
        let RowProduct { rows, run, right, columns, .. } = self.product;
        let (count, channels) = (rows.order.len(), rows.distance);
        // Long sums are made of shorter ones, which keeps their errors small.
        let together = (STRETCH / run).max(1);
        let lines = rows.runs.len() / count;
        // SAFETY: as the caller promises, here and below; runs of neighbouring places are neighbours.
        unsafe {
            let right_at = right.from.as_ptr().add(first / (2 * V::LANES) * right.strip);
            for part in (0..lines).step_by(together) {
                let mut sums = [[V::splat(V::N::ZERO); NV]; WIDTH];
                for number in part..lines.min(part + together) {
                    let from = rows.runs[number * count + place];
                    if from != ZEROS {
                        let factors = right_at.add(number * run * right.row);
                        slide(&mut sums, rows.run_at(from), channels, factors, right.row);
                    }
                }
                for (i, sums) in sums.iter().enumerate() {
                    let out = &mut self.product.sums[(place + i) * columns + first..];
                    write(sums, out, columns - first, part == 0);
                }
            }
        }
    }
}

/// Adds what the taps along a line make of its elements, each of `channels` numbers.
///
/// # Safety
/// The machine has the instruction set of `V`; `WIDTH + TAPS - 1` elements lie at `from`, and `NV` vectors at `factors`
/// and at each of the places that follow it in a distance of `row`, for each channel of each tap.
#[inline(always)]
unsafe fn slide<V: Vector, const WIDTH: usize, const NV: usize>(
    sums: &mut [[V; NV]; WIDTH],
    from: *const V::N,
    channels: usize,
    factors: *const V::N,
    row: usize,
) {
    let mut sums_here = *sums;
    for channel in 0..channels {
        // SAFETY: as the caller promises.
        unsafe {
            let mut strip = [[V::splat(V::N::ZERO); NV]; TAPS];
            for (tap, strip) in strip.iter_mut().enumerate() {
                let at = factors.add((tap * channels + channel) * row);
                for (j, vector) in strip.iter_mut().enumerate() {
                    *vector = V::load_at(at.add(j * V::LANES));
                }
            }
            // By the element that the middle tap of each place meets: its neighbours meet it too.
            for i in 0..WIDTH {
                let x = V::splat_at(from.add((i + 1) * channels + channel));
                for j in 0..NV {
                    if i + 1 < WIDTH {
                        sums_here[i + 1][j] = x.mul_add(strip[0][j], sums_here[i + 1][j]);
                    }
                    sums_here[i][j] = x.mul_add(strip[1][j], sums_here[i][j]);
                    if i > 0 {
                        sums_here[i - 1][j] = x.mul_add(strip[2][j], sums_here[i - 1][j]);
                    }
                }
            }
            let (first, last) =
                (V::splat_at(from.add(channel)), V::splat_at(from.add((WIDTH + 1) * channels + channel)));
            for j in 0..NV {
                sums_here[0][j] = first.mul_add(strip[0][j], sums_here[0][j]);
                sums_here[WIDTH - 1][j] = last.mul_add(strip[2][j], sums_here[WIDTH - 1][j]);
            }
        }
    }
    *sums = sums_here;
}
