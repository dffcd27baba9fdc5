//! Sums of outer products of rows that overlap: what an element is multiplied with at one place by a tap, it is at the
//! next place by the tap before. So an element is brought into a register once for all taps along a line, and so is a
//! row of the other tensor.

use std::ops::Range;

use super::number::Number;
use super::outer::{CACHED, OuterProduct};
use super::rows::{STRETCH, ZEROS, write};
use super::sliding::TAPS;
use super::vector::Vector;
use super::{Loop, Target};

/// Places that a line may have.
pub(crate) const LINES: std::ops::RangeInclusive<usize> = 2..=STRETCH;
/// The fewest channels.
pub(crate) const LEAST_CHANNELS: usize = 3;

/// The sum by vectors `V`, where each run is [`TAPS`] runs of neighbours, and each of them the first one of the next
/// place of a line: `MR` channels by one vector at a time.
pub(crate) struct SlidingOuterTiles<'a, V: Vector, const MR: usize> {
    pub(crate) product: OuterProduct<'a, V::N>,
    /// Places of a line; there are whole lines.
    pub(crate) line: usize,
}

/// The sums of a tile, for each tap.
type Sums<V, const ROWS: usize> = [[V; ROWS]; TAPS];

impl<V: Vector, const MR: usize> Loop for SlidingOuterTiles<'_, V, MR> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        let (OuterProduct { left, columns, rows, .. }, line) = (&self.product, self.line);
        let (columns, channels, places) = (*columns, left.distance, left.runs.len());
        self.product.check::<V>();
        assert!(channels * TAPS == *rows && channels >= LEAST_CHANNELS, "runs of neighbours overlap");
        assert!(places.is_multiple_of(line) && LINES.contains(&line), "lines are whole");
        let together = (CACHED / (channels + columns)).clamp(64, STRETCH) / line;
        let lines = places / line;
        for first in (0..lines.max(1)).step_by(together.max(1)) {
            let part = first..lines.min(first + together.max(1));
            self.product.is_first &= first == 0;
            for column in (0..columns).step_by(V::LANES) {
                if channels >= MR {
                    self.strip::<MR>(column, &part);
                } else {
                    self.strip::<LEAST_CHANNELS>(column, &part);
                }
            }
        }
    }
}

impl<V: Vector, const MR: usize> SlidingOuterTiles<'_, V, MR> {
    /// All channels of a vector of columns, over some lines.
    #[inline(always)]
    fn strip<const ROWS: usize>(&mut self, column: usize, lines: &Range<usize>) {
        let OuterProduct { left, columns, is_first, .. } = self.product;
        let channels = left.distance;
        for channel in (0..channels).step_by(ROWS) {
            // The last channels are computed with some before them, which are not written again.
            let (channel, known) = (channel.min(channels - ROWS), channel - channel.min(channels - ROWS));
            // SAFETY: `multiply_sliding_outer` runs this with vectors of the set that `Isa::run` compiles it for; and
            // `run` has checked where both operands lie.
            unsafe {
                let sums: Sums<V, ROWS> = self.tile(channel, column, lines.clone());
                for (tap, sums) in sums.iter().enumerate() {
                    for (i, &sum) in sums.iter().enumerate().skip(known) {
                        let out = &mut self.product.sums[(tap * channels + channel + i) * columns + column..];
                        write(&[sum], out, columns - column, is_first);
                    }
                }
            }
        }
    }

    /// The sums of a tile over some lines.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`, and `run` has checked where both operands lie.
    #[inline(always)]
    unsafe fn tile<const ROWS: usize>(
        &self,
        channel: usize,
        column: usize,
        lines: Range<usize>,
    ) -> Sums<V, ROWS> {
        let OuterProduct { left, right, right_distance, right_offset, .. } = self.product;
        // SAFETY: as the caller promises, here and below.
        let mut sums = unsafe { [[V::splat(V::N::ZERO); ROWS]; TAPS] };
        for line in lines {
            let number = left.runs[line * self.line];
            if number == ZEROS {
                continue;
            }
            // SAFETY: as above.
            unsafe {
                let from = left.run_at(number).add(channel);
                let right = right.as_ptr().add(line * self.line * right_distance + right_offset + column);
                add_line(&mut sums, [from, right], [left.distance, right_distance], self.line);
            }
        }
        sums
    }
}

/// Adds what a line of `places` makes: its elements lie from place to place in the first distance, its rows in the
/// second.
///
/// # Safety
/// The machine has the instruction set of `V`; at each of `places` + [`TAPS`] - 1 elements lie `ROWS` numbers, and at
/// each place a vector.
#[inline(always)]
unsafe fn add_line<V: Vector, const ROWS: usize>(
    sums: &mut Sums<V, ROWS>,
    [from, right]: [*const V::N; 2],
    [distance, right_distance]: [usize; 2],
    places: usize,
) {
    let [mut first, mut second, mut third] = *sums;
    // SAFETY: as the caller promises.
    unsafe {
        let element = |number: usize| from.add(number * distance);
        let row = |place: usize| V::load_at(right.add(place * right_distance));
        let (mut before, mut last) = (row(0), row(1));
        add(element(0), [(&mut first, before)]);
        add(element(1), [(&mut first, last), (&mut second, before)]);
        for place in 2..places {
            let next = row(place);
            add(element(place), [(&mut first, next), (&mut second, last), (&mut third, before)]);
            (before, last) = (last, next);
        }
        add(element(places), [(&mut second, last), (&mut third, before)]);
        add(element(places + 1), [(&mut third, last)]);
    }
    *sums = [first, second, third];
}

/// Adds the products of the numbers of an element with a row for each of some taps.
///
/// # Safety
/// The machine has the instruction set of `V`, and `ROWS` numbers lie at `from`.
#[inline(always)]
unsafe fn add<V: Vector, const ROWS: usize, const N: usize>(
    from: *const V::N,
    mut taps: [(&mut [V; ROWS], V); N],
) {
    for i in 0..ROWS {
        // SAFETY: as the caller promises.
        unsafe {
            let x = V::splat_at(from.add(i));
            for (sums, row) in &mut taps {
                sums[i] = x.mul_add(*row, sums[i]);
            }
        }
    }
}
