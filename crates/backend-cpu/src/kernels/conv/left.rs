//! What a convolution reads at some places: runs of channels that lie where the taps meet them; or longer ones of all
//! taps along a line; or rows gathered from runs too short to be multiplied one by one.

use std::ops::Range;

use super::super::Buffers;
use super::super::panel::room;
use super::super::patches::{Meetings, Patches};
use super::lines::Lines;
use crate::simd::number::Number;
use crate::simd::plain::elements_mut;
use crate::simd::rows::{Rows, ZEROS};
use crate::simd::{Isa, Loop, Target};

/// Runs shorter than this are joined or gathered: they cost more to find than to multiply.
const LEAST_RUN: usize = 8;

/// The left operand of the products that a convolution is made of.
pub(super) struct Left {
    patches: Patches,
    way: Way,
}

/// How it is read.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// A run for each tap, where it lies.
    InPlace,
    /// A run for all taps along a line.
    Lines(Lines),
    /// A row of what all taps meet.
    Gathered,
}

impl Left {
    /// What lies in runs long enough is read where it lies.
    pub(super) fn new(patches: Patches) -> Left {
        let way = if patches.channels >= LEAST_RUN {
            Way::InPlace
        } else {
            Lines::of(&patches).map_or(Way::Gathered, Way::Lines)
        };
        Left { patches, way }
    }

    /// The same by lines, if these are what is asked for.
    pub(super) fn by_lines(self, are_good: impl FnOnce(&Lines) -> bool) -> Left {
        let lines = Lines::of(&self.patches).filter(are_good);
        Left { way: lines.map_or(self.way, Way::Lines), ..self }
    }

    /// The lines, if it is read by them.
    pub(super) fn lines(&self) -> Option<&Lines> {
        match &self.way {
            Way::Lines(lines) => Some(lines),
            Way::InPlace | Way::Gathered => None,
        }
    }

    /// Places of an example.
    pub(super) fn places(&self) -> usize {
        self.patches.taps.places
    }

    /// Runs at a place.
    pub(super) fn runs(&self) -> usize {
        match &self.way {
            Way::InPlace => self.patches.taps.taps,
            Way::Lines(lines) => lines.runs(),
            Way::Gathered => 1,
        }
    }

    /// Numbers of a run.
    pub(super) fn run(&self) -> usize {
        self.depth() / self.runs()
    }

    /// Numbers at a place.
    pub(super) fn depth(&self) -> usize {
        self.patches.taps.taps * self.patches.channels
    }

    /// Bytes of scratch memory that [`Left::find`] needs for so many places.
    pub(super) fn scratch_bytes<N>(&self, places: usize) -> usize {
        match &self.way {
            Way::Lines(lines) => lines.rooms::<N>(places).into_iter().sum(),
            Way::InPlace | Way::Gathered => self.rooms::<N>(places).into_iter().sum(),
        }
    }

    /// Bytes of what the taps meet, gathered rows.
    fn rooms<N>(&self, places: usize) -> [usize; 2] {
        let gathered = if matches!(self.way, Way::Gathered) { places * self.depth() } else { 0 };
        [self.patches.taps.meetings_bytes(places), room::<N>(gathered)]
    }

    /// What is read for a group at some places, counted over all examples.
    pub(super) fn find<'a, N: Number>(
        &self,
        isa: Isa,
        buffers: Buffers<'a>,
        group: usize,
        places: Range<usize>,
        scratch: &'a mut [u8],
    ) -> Rows<'a, N> {
        let Patches { from, taps, groups, channels } = &self.patches;
        let count = places.len();
        let (from, distance, offset) = (buffers.read::<N>(*from), groups * channels, group * channels);
        if let Way::Lines(lines) = &self.way {
            return lines.find(isa, taps, from, places, scratch);
        }
        let [found, gathered] = self.rooms::<N>(count);
        let (found, rest) = scratch.split_at_mut(found);
        let Meetings { order, elements, .. } = taps.find(isa, places, found);
        if matches!(self.way, Way::InPlace) {
            return Rows { from, distance, offset, runs: elements, order };
        }
        let rows = &mut elements_mut::<N>(&mut rest[..gathered])[..count * self.depth()];
        let (channels, depth) = (*channels, self.depth());
        isa.run(Gather { from: &from[offset..], distance, channels, depth, elements, rows });
        let runs = &mut elements[..count];
        runs.iter_mut().enumerate().for_each(|(i, run)| *run = i as u32);
        Rows { from: rows, distance: self.depth(), offset: 0, runs, order }
    }
}

/// Writes what the taps meet at a place as one row.
struct Gather<'a, N> {
    from: &'a [N],
    distance: usize,
    channels: usize,
    depth: usize,
    elements: &'a [u32],
    rows: &'a mut [N],
}

impl<N: Number> Loop for Gather<'_, N> {
    #[inline(always)]
    fn run<T: Target>(self) {
        // A copy of fixed length is a few instructions.
        match self.channels {
            1 => self.of::<1>(),
            2 => self.of::<2>(),
            3 => self.of::<3>(),
            4 => self.of::<4>(),
            5 => self.of::<5>(),
            6 => self.of::<6>(),
            _ => self.of::<7>(),
        }
    }
}

impl<N: Number> Gather<'_, N> {
    #[inline(always)]
    fn of<const CHANNELS: usize>(self) {
        let places = self.rows.len() / self.depth;
        for (tap, elements) in self.elements.chunks_exact(places).enumerate() {
            for (row, &element) in self.rows.chunks_exact_mut(self.depth).zip(elements) {
                let out = &mut row[tap * CHANNELS..][..CHANNELS];
                if element == ZEROS {
                    out.fill(N::ZERO);
                } else {
                    let start = element as usize * self.distance;
                    out.copy_from_slice(&self.from[start..start + CHANNELS]);
                }
            }
        }
    }
}
