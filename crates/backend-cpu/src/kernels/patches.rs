//! Patches: what the taps of a sliding window meet, as the rows of a matrix that is never written down as a whole.

use std::ops::Range;

use cornu_ir::ops::Sliding;
use smallvec::{SmallVec, smallvec};

use super::panel::room;
use super::{BufferIndex, Buffers};
use crate::simd::plain::{Plain, elements_mut, zero};
use crate::simd::rows::ZEROS;
use crate::simd::{Isa, Loop, Target};

/// In a list of sources: the tap meets padding.
pub(super) const PADDING: u64 = u64::MAX;

/// Where the taps of a window meet a tensor, from each place of another: the elements that a place sees, or the places
/// that see an element.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    axes: SmallVec<[Along; 3]>,
    /// Number of places of one example.
    pub(super) places: usize,
    /// Number of taps.
    pub(super) taps: usize,
    /// Number of elements of one example that taps meet.
    pub(super) elements: usize,
}

/// One axis of `Taps`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    pub(super) places: usize,
    pub(super) taps: usize,
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) low: usize,
    pub(super) backward: bool,
}

impl Along {
    /// The element that a tap meets at a place.
    #[inline(always)]
    fn source(&self, place: usize, tap: usize) -> Option<usize> {
        let Along { stride, dilation, low, size, backward, .. } = *self;
        let element = if backward {
            let distance = (place + low).checked_sub(tap * dilation)?;
            if stride == 1 {
                distance
            } else if distance.is_multiple_of(stride) {
                distance / stride
            } else {
                return None;
            }
        } else {
            (place * stride + tap * dilation).checked_sub(low)?
        };
        (element < size).then_some(element)
    }
}

impl Taps {
    /// The elements of `input` that each of `places` sees.
    pub(super) fn forward(sliding: &Sliding, input: &[usize], taps: &[usize], places: &[usize]) -> Taps {
        Taps::new(sliding, places, taps, input, false)
    }

    /// The `places` that see each element of `input`.
    pub(super) fn backward(sliding: &Sliding, input: &[usize], taps: &[usize], places: &[usize]) -> Taps {
        Taps::new(sliding, input, taps, places, true)
    }

    fn new(sliding: &Sliding, places: &[usize], taps: &[usize], sizes: &[usize], backward: bool) -> Taps {
        let along = |axis: usize| Along {
            places: places[axis],
            taps: taps[axis],
            size: sizes[axis],
            stride: sliding.strides[axis],
            dilation: sliding.dilation[axis],
            low: sliding.low[axis],
            backward,
        };
        // Without axes there is one place, one tap and one element, as along an axis of one.
        let one = Along { places: 1, taps: 1, size: 1, stride: 1, dilation: 1, low: 0, backward };
        let axes = (0..sliding.axes()).map(along);
        Taps {
            axes: if sliding.axes() == 0 { smallvec![one] } else { axes.collect() },
            places: places.iter().product(),
            taps: taps.iter().product(),
            elements: sizes.iter().product(),
        }
    }

    /// For each tap the number of the element that it meets at a place, or `PADDING`.
    #[inline(always)]
    pub(super) fn sources(&self, place: usize, sources: &mut [u64]) {
        let mut rest = self.places;
        let mut known = 1;
        sources[0] = 0;
        for along in &self.axes {
            rest /= along.places;
            let place = place / rest % along.places;
            // Backwards, as each number makes way for as many as there are taps.
            for i in (0..known).rev() {
                let outer = sources[i];
                for tap in (0..along.taps).rev() {
                    sources[i * along.taps + tap] = match along.source(place, tap) {
                        Some(element) if outer != PADDING => outer * along.size as u64 + element as u64,
                        Some(_) | None => PADDING,
                    };
                }
            }
            known *= along.taps;
        }
    }
}

/// What the taps meet at some places, for products of rows.
pub(super) struct Meetings<'a> {
    /// The places, counted from the first; places from which the same taps can meet something stand together.
    pub(super) order: &'a mut [u32],
    /// For each tap the elements that it meets at each place, in that order; or `ZEROS`.
    pub(super) elements: &'a mut [u32],
    /// Room for a number for each phase.
    cursors: &'a mut [u32],
}

/// Finds out what the taps meet.
struct Meet<'a, 'b> {
    taps: &'a Taps,
    places: Range<usize>,
    meetings: &'a mut Meetings<'b>,
}

impl Loop for Meet<'_, '_> {
    #[inline(always)]
    fn run<T: Target>(self) {
        self.taps.meet(self.places, self.meetings);
    }
}

impl Taps {
    /// Bytes of scratch memory that [`Taps::find`] needs for so many places.
    pub(super) fn meetings_bytes(&self, places: usize) -> usize {
        self.rooms(places).into_iter().sum()
    }

    /// Bytes of the order of places, what the taps meet there, a number for each phase.
    fn rooms(&self, places: usize) -> [usize; 3] {
        [room::<u32>(places), room::<u32>(places * self.taps), room::<u32>(self.phases())]
    }

    /// What the taps meet at some places, counted over all examples. Their numbers and those of the elements of all
    /// examples must be smaller than [`ZEROS`].
    pub(super) fn find<'a>(&self, isa: Isa, places: Range<usize>, scratch: &'a mut [u8]) -> Meetings<'a> {
        let count = places.len();
        let [order, elements, cursors] = self.rooms(count);
        let (order, rest) = scratch.split_at_mut(order);
        let (elements, rest) = rest.split_at_mut(elements);
        let mut meetings = Meetings {
            order: &mut elements_mut::<u32>(order)[..count],
            elements: &mut elements_mut::<u32>(elements)[..count * self.taps],
            cursors: &mut elements_mut::<u32>(&mut rest[..cursors])[..self.phases()],
        };
        isa.run(Meet { taps: self, places, meetings: &mut meetings });
        meetings
    }
}

impl Taps {
    /// How many classes of places there are that differ in the taps that can meet something: where a window moves by
    /// several elements, an element is seen by few of its taps.
    fn phases(&self) -> usize {
        self.axes.iter().map(Along::phases).product()
    }

    /// What the taps meet at the places in `range`, counted over all examples.
    #[inline(always)]
    fn meet(&self, range: Range<usize>, meetings: &mut Meetings<'_>) {
        meetings.cursors.fill(0);
        self.lines(&range, |_, phase, count| meetings.cursors[phase] += count as u32);
        let mut before = 0;
        for cursor in meetings.cursors.iter_mut() {
            before += std::mem::replace(cursor, before);
        }
        let total = range.len();
        self.lines(&range, |line, phase, count| {
            let at = meetings.cursors[phase] as usize;
            meetings.cursors[phase] += count as u32;
            let places = &mut meetings.order[at..at + count];
            let first = line.place - range.start;
            places.iter_mut().enumerate().for_each(|(i, place)| *place = (first + i * line.step) as u32);
            self.meet_along(line, at, count, total, meetings.elements);
        });
    }

    /// Calls `visit` for each stretch of places along the last axis that are of one phase: where it begins, its phase,
    /// and how many places it has.
    #[inline(always)]
    fn lines(&self, range: &Range<usize>, mut visit: impl FnMut(&Line, usize, usize)) {
        let Some((last, outer)) = self.axes.split_last() else { return };
        let phases = last.phases();
        let mut place = range.start;
        while place < range.end {
            let (line, x) = (place / last.places, place % last.places);
            let end = last.places.min(x + range.end - place);
            let mut phase = 0;
            let mut rest = line;
            let mut known = 1;
            for along in outer.iter().rev() {
                phase += rest % along.places % along.phases() * known;
                known *= along.phases();
                rest /= along.places;
            }
            for first in x..(x + phases).min(end) {
                let line = Line { line, x: first, place: place + first - x, step: phases };
                visit(&line, phase * phases + first % phases, (end - first).div_ceil(phases));
            }
            place += end - x;
        }
    }

    /// The elements that all taps meet at the `count` places of a line, which stand from `at` on.
    #[inline(always)]
    fn meet_along(&self, line: &Line, at: usize, count: usize, total: usize, elements: &mut [u32]) {
        let Some(last) = self.axes.last() else { return };
        let outer_taps = self.taps / last.taps;
        for outer_tap in 0..outer_taps {
            let source = self.outer_source(line.line, outer_tap);
            for tap in 0..last.taps {
                let start = (outer_tap * last.taps + tap) * total + at;
                let elements = &mut elements[start..start + count];
                match source {
                    Some(source) => last.meet(line, tap, source * last.size, elements),
                    None => elements.fill(ZEROS),
                }
            }
        }
    }

    /// The last axis, along which elements are neighbours.
    pub(super) fn last_axis(&self) -> Option<Along> {
        self.axes.last().copied()
    }

    /// True if places are not all of one phase, or would not be if it were the other way round.
    pub(super) fn is_strided(&self) -> bool {
        self.axes.iter().any(|along| along.stride > 1)
    }

    /// True if each place sees `taps` neighbours of each of as many lines, the next place the same but for one.
    pub(super) fn are_square(&self, taps: usize) -> bool {
        let [first, last] = self.axes[..] else { return false };
        let is_square = [first, last].iter().all(|along| along.taps == taps && !along.backward);
        is_square && last.dilation == 1 && last.stride == 1
    }

    /// Which line of elements a tap of the outer axes meets from a line of places.
    #[inline(always)]
    pub(super) fn outer_source(&self, line: usize, tap: usize) -> Option<usize> {
        let (_, outer) = self.axes.split_last()?;
        let (mut line, mut tap, mut source, mut known) = (line, tap, 0, 1);
        for along in outer.iter().rev() {
            source += along.source(line % along.places, tap % along.taps)? * known;
            known *= along.size;
            (line, tap) = (line / along.places, tap / along.taps);
        }
        Some(source + line * known)
    }
}

/// Places of one phase along the last axis.
struct Line {
    /// Which line it is, counted over all examples.
    line: usize,
    /// The first place on the axis, and among all.
    x: usize,
    place: usize,
    /// From place to place.
    step: usize,
}

impl Along {
    /// As [`Taps::phases`].
    #[inline(always)]
    fn phases(&self) -> usize {
        if self.backward { self.stride } else { 1 }
    }

    /// The elements that a tap meets along a line, counted from `before`.
    #[inline(always)]
    fn meet(&self, line: &Line, tap: usize, before: usize, elements: &mut [u32]) {
        let Along { stride, dilation, low, size, backward, .. } = *self;
        // The first element may lie before the axis.
        let (first, step) = if backward {
            let distance = (line.x + low) as isize - (tap * dilation) as isize;
            if distance.rem_euclid(stride as isize) != 0 {
                return elements.fill(ZEROS);
            }
            (distance.div_euclid(stride as isize), 1)
        } else {
            ((line.x * stride + tap * dilation) as isize - low as isize, stride)
        };
        // How many come before the axis, and how many before its end.
        let count = elements.len();
        let before_axis = ((-first).max(0) as usize).div_ceil(step).min(count);
        let before_end = ((size as isize - first).max(0) as usize).div_ceil(step).clamp(before_axis, count);
        elements[..before_axis].fill(ZEROS);
        elements[before_end..].fill(ZEROS);
        let inside = (first + (before_axis * step) as isize).max(0) as usize + before;
        let inside_axis = elements[before_axis..before_end].iter_mut().enumerate();
        inside_axis.for_each(|(i, element)| *element = (inside + i * step) as u32);
    }
}

/// The matrix whose row for each place of each example holds what its taps meet, the channels of one group of each.
#[derive(Clone, Debug)]
pub(super) struct Patches {
    /// A tensor `[n, sizes…, groups·channels]`.
    pub(super) from: BufferIndex,
    pub(super) taps: Taps,
    pub(super) groups: usize,
    pub(super) channels: usize,
}

impl Patches {
    /// Writes some rows and columns of the matrix of a group, row after row.
    pub(super) fn write<P: Plain>(
        &self,
        isa: Isa,
        buffers: Buffers<'_>,
        group: usize,
        [rows, columns]: [Range<usize>; 2],
        sources: &mut [u64],
        out: &mut [P],
    ) {
        let from = buffers.read::<P>(self.from);
        isa.run(Write { patches: self, from, group, rows, columns, sources, out });
    }
}

struct Write<'a, P> {
    patches: &'a Patches,
    from: &'a [P],
    group: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    sources: &'a mut [u64],
    out: &'a mut [P],
}

impl<P: Plain> Loop for Write<'_, P> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Patches { taps, groups, channels, .. } = self.patches;
        let all = groups * channels;
        let out = self.out.chunks_exact_mut(self.columns.len());
        for (row, out) in self.rows.zip(out) {
            taps.sources(row % taps.places, self.sources);
            let first = row / taps.places * taps.elements;
            let mut column = self.columns.start;
            let mut rest = out;
            while !rest.is_empty() {
                let (tap, channel) = (column / channels, column % channels);
                let (run, after) = rest.split_at_mut((channels - channel).min(rest.len()));
                if self.sources[tap] == PADDING {
                    run.fill(zero());
                } else {
                    let element = first + self.sources[tap] as usize;
                    let start = element * all + self.group * channels + channel;
                    run.copy_from_slice(&self.from[start..start + run.len()]);
                }
                column += run.len();
                rest = after;
            }
        }
    }
}
