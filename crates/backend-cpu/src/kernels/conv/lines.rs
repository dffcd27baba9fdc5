//! Lines: what the taps along the last axis meet are neighbours, once a line of elements has its padding beside it. So
//! lines are copied with it, and all that those taps meet at a place is one run.

use std::ops::Range;

use super::super::panel::room;
use super::super::patches::{Patches, Taps};
use crate::simd::number::Number;
use crate::simd::plain::elements_mut;
use crate::simd::rows::{Rows, ZEROS};
use crate::simd::sliding::{MOST_CHANNELS, PLACES, TAPS};
use crate::simd::sliding_outer::{LEAST_CHANNELS, LINES};
use crate::simd::{Isa, Loop, Target};

/// The most places of a line: those that need only a part of it get all of it.
const LONGEST: usize = 1 << 10;

/// How the places of a line see the line of elements that a tap of the outer axes meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    /// Places of a line, and how many elements it is from one to the next.
    pub(super) places: usize,
    pub(super) stride: usize,
    /// Taps along a line, and beside it.
    pub(super) taps: usize,
    outer_taps: usize,
    /// Elements of a line, and how many are put in front of it; fewer than none where the first are not met.
    size: usize,
    low: isize,
    channels: usize,
}

impl Lines {
    /// The lines of patches; `None` where what the taps meet at a place are not neighbours.
    pub(super) fn of(patches: &Patches) -> Option<Lines> {
        let Patches { taps, groups, channels, .. } = patches;
        let along = taps.last_axis()?;
        let is_strided = along.backward && taps.is_strided();
        if *groups != 1 || along.places > LONGEST || is_strided || (along.dilation != 1 && along.taps != 1) {
            return None;
        }
        // Backwards the last tap meets the first element.
        let low = along.low as isize;
        let low = if along.backward { along.taps as isize - 1 - low } else { low };
        Some(Lines {
            places: along.places,
            stride: if along.backward { 1 } else { along.stride },
            taps: along.taps,
            outer_taps: taps.taps / along.taps,
            size: along.size,
            low,
            channels: *channels,
        })
    }

    /// True if each element is met by the taps of neighbouring places, and lines are whole tiles of them: then
    /// [`crate::simd::sliding`] multiplies them.
    pub(super) fn slide(&self) -> bool {
        self.overlap() && self.places.is_multiple_of(PLACES)
    }

    /// The same for [`crate::simd::sliding_outer`].
    pub(super) fn slide_outer(&self) -> bool {
        self.overlap() && LINES.contains(&self.places) && self.channels >= LEAST_CHANNELS
    }

    fn overlap(&self) -> bool {
        self.stride == 1 && self.taps == TAPS && self.channels <= MOST_CHANNELS
    }

    /// Runs at a place.
    pub(super) fn runs(&self) -> usize {
        self.outer_taps
    }

    /// Numbers of a line with its padding.
    fn width(&self) -> usize {
        ((self.places - 1) * self.stride + self.taps) * self.channels
    }

    /// Lines that so many places lie in, wherever they begin.
    fn count(&self, places: usize) -> usize {
        places.div_ceil(self.places) + 1
    }

    /// Bytes of the order of the places, their runs, where the lines come from and go, and the lines themselves.
    pub(super) fn rooms<N>(&self, places: usize) -> [usize; 4] {
        let lines = self.count(places) * self.outer_taps;
        [
            room::<u32>(places),
            room::<u32>(places * self.outer_taps),
            room::<u32>(2 * lines),
            room::<N>(lines * self.width()),
        ]
    }

    /// What is read at some places, counted over all examples.
    pub(super) fn find<'a, N: Number>(
        &self,
        isa: Isa,
        taps: &Taps,
        from: &[N],
        places: Range<usize>,
        scratch: &'a mut [u8],
    ) -> Rows<'a, N> {
        let count = places.len();
        let [order, runs, table, lines] = self.rooms::<N>(count);
        let (order, rest) = scratch.split_at_mut(order);
        let (runs, rest) = rest.split_at_mut(runs);
        let (table, rest) = rest.split_at_mut(table);
        let order = &mut elements_mut::<u32>(order)[..count];
        let runs = &mut elements_mut::<u32>(runs)[..count * self.outer_taps];
        let padded = elements_mut::<N>(&mut rest[..lines]);
        order.iter_mut().enumerate().for_each(|(i, place)| *place = i as u32);
        let table = elements_mut::<u32>(table);
        isa.run(Find { lines: self, taps, from, places, table, runs: &mut *runs, padded: &mut *padded });
        Rows { from: padded, distance: self.channels, offset: 0, runs, order }
    }
}

struct Find<'a, N> {
    lines: &'a Lines,
    taps: &'a Taps,
    from: &'a [N],
    places: Range<usize>,
    /// For each line of places and each outer tap which line it meets, or [`ZEROS`]; then where that one was copied.
    table: &'a mut [u32],
    runs: &'a mut [u32],
    padded: &'a mut [N],
}

impl<N: Number> Loop for Find<'_, N> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Find { lines, taps, from, places, table, runs, padded } = self;
        let (count, outer, width) = (places.len(), lines.outer_taps, lines.width());
        let first_line = places.start / lines.places;
        let (met, slots) = table.split_at_mut(table.len() / 2);
        let mut copied = 0;
        for line in first_line..places.end.div_ceil(lines.places) {
            let at = (line - first_line) * outer;
            // The places of the line, of those that are asked for.
            let start = (line * lines.places).max(places.start);
            let end = ((line + 1) * lines.places).min(places.end);
            for tap in 0..outer {
                let runs = &mut runs[tap * count..][start - places.start..end - places.start];
                let Some(source) = taps.outer_source(line, tap) else {
                    met[at + tap] = ZEROS;
                    runs.fill(ZEROS);
                    continue;
                };
                met[at + tap] = source as u32;
                // The line of places before has met most of these lines too.
                let known = (at.saturating_sub(outer)..at).find(|&known| met[known] == source as u32);
                slots[at + tap] = known.map_or(copied, |known| slots[known]);
                if known.is_none() {
                    let padded = &mut padded[copied as usize * width..][..width];
                    lines.copy(&from[source * lines.size * lines.channels..], padded);
                    copied += 1;
                }
                let first = slots[at + tap] as usize * (width / lines.channels);
                let x = start - line * lines.places;
                let numbers = runs.iter_mut().zip(x..);
                numbers.for_each(|(run, x)| *run = (first + x * lines.stride) as u32);
            }
        }
    }
}

impl Lines {
    /// Copies a line with its padding.
    #[inline(always)]
    fn copy<N: Number>(&self, line: &[N], padded: &mut [N]) {
        let (before, skipped) = (self.low.max(0) as usize, (-self.low).max(0) as usize);
        let before = (before * self.channels).min(padded.len());
        let (zeros, rest) = padded.split_at_mut(before);
        zeros.fill(N::ZERO);
        let inside = (self.size.saturating_sub(skipped) * self.channels).min(rest.len());
        let (copy, zeros) = rest.split_at_mut(inside);
        if inside > 0 {
            copy.copy_from_slice(&line[skipped * self.channels..][..inside]);
        }
        zeros.fill(N::ZERO);
    }
}
