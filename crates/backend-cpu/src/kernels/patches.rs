//! Patches: what the taps of a sliding window meet, as the rows of a matrix that is never written down as a whole.

use std::ops::Range;

use cornu_ir::ops::Sliding;
use smallvec::SmallVec;

use super::{BufferIndex, Buffers};
use crate::simd::plain::{Plain, zero};
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
struct Along {
    places: usize,
    taps: usize,
    size: usize,
    stride: usize,
    dilation: usize,
    low: usize,
    backward: bool,
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
        Taps {
            axes: (0..sliding.axes()).map(along).collect(),
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
