//! Depthwise convolutions: each channel by itself, so that there is no matrix to multiply, but rows of channels.

use std::marker::PhantomData;
use std::ops::Range;

use cornu_ir::ops::ConvSizes;

use super::conv::{Convolution, Form};
use super::map::Code;
use super::panel::room;
use super::patches::Taps;
use super::reduce::join_task;
use super::{BufferIndex, Site, Task};
use crate::pieces::Pieces;
use crate::simd::channels::{ChannelProduct, Channelwise};
use crate::simd::fold::Sum;
use crate::simd::number::Number;
use crate::simd::plain::{bytes, elements, elements_mut};
use crate::simd::rows::ZEROS;
use crate::simd::sliding_channels::{LEAST_CHANNELS, PLACES as TILE, SlidingChannels, TAPS};
use crate::simd::table::{Held, floats};
use crate::simd::{Isa, Loop, Target};

/// Multiplications that are worth a piece of their own.
const GRAIN: usize = 1 << 17;
/// Sums of a block of places: they fit the first-level cache.
const SUMS: usize = 1 << 13;
/// The most places of a block: longer sums are made of theirs, which keeps errors small.
const PLACES: usize = 128;

/// The tasks of a convolution whose groups have one channel each, over arguments as registers hold them; `None` for
/// other types than floats.
pub(crate) fn depthwise(
    conv: &Convolution<'_>,
    held: Held,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Option<Vec<Box<dyn Task>>> {
    floats!(held, N => tasks::<N>(conv, tail, temporary))
}

fn tasks<N: Channelwise>(
    conv: &Convolution<'_>,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let ConvSizes { batch, input, taps, places, groups, filters, .. } = conv.sizes;
    let sliding = match conv.form {
        Form::Forward | Form::KernelGrad => Taps::forward(conv.sliding, input, taps, places),
        Form::InputGrad => Taps::backward(conv.sliding, input, taps, places),
    };
    let (rows, width) = (batch * sliding.places, groups * filters);
    let work = (sliding.taps * width).max(1);
    let is_wide = *filters == 1 && *groups >= LEAST_CHANNELS;
    let slides = conv.form == Form::Forward && is_wide && sliding.are_square(TAPS);
    let least = if slides { TILE } else { 1 };
    let length = (SUMS / width.max(1)).clamp(least, PLACES) / least * least;
    let blocks = Pieces::of(rows, length);
    let cut = Pieces::new(blocks.count(), GRAIN / (blocks.longest() * work).max(1), 1);
    let places = Places { sliding, blocks, cut };
    let sizes = Channels { groups: *groups, filters: *filters };
    let [first, second] = conv.args;
    if conv.form != Form::KernelGrad {
        let spread = conv.form == Form::Forward;
        let number = PhantomData::<N>;
        let task = RowsTask { places, sizes, spread, slides, from: first, kernel: second, tail, number };
        return vec![Box::new(task)];
    }
    let parts = places.cut.count();
    let sums = temporary(parts * work * size_of::<N::Total>());
    let task = KernelTask { places, sizes, input: first, result: second, sums, number: PhantomData::<N> };
    vec![Box::new(task), join_task::<Sum<N>>(work, parts, sums, tail)]
}

/// Groups of one channel and some filters.
#[derive(Clone, Copy)]
struct Channels {
    groups: usize,
    filters: usize,
}

/// The places of all examples, in blocks that are computed in one go, and some blocks to a piece.
struct Places {
    sliding: Taps,
    blocks: Pieces,
    cut: Pieces,
}

impl Places {
    /// Bytes of what the taps meet from a block.
    fn found_bytes(&self) -> usize {
        self.sliding.meetings_bytes(self.blocks.longest())
    }

    /// The blocks of a piece.
    fn of(&self, piece: usize) -> impl Iterator<Item = Range<usize>> {
        self.cut.range(piece).map(|block| self.blocks.range(block))
    }
}

/// Result or gradient for the input, a block of rows of channels at a time.
struct RowsTask<N> {
    places: Places,
    sizes: Channels,
    /// True if each channel goes into its filters; false if filters are summed into their channel.
    spread: bool,
    /// True if [`crate::simd::sliding_channels`] multiplies them.
    slides: bool,
    from: BufferIndex,
    kernel: BufferIndex,
    tail: Code,
    number: PhantomData<N>,
}

impl<N> RowsTask<N> {
    /// Channels of a row read, and of a row written.
    fn widths(&self) -> (usize, usize) {
        let Channels { groups, filters } = self.sizes;
        if self.spread { (groups, groups * filters) } else { (groups * filters, groups) }
    }

    /// Bytes of what the taps meet, of a run of zeros, of the sums.
    fn rooms(&self) -> [usize; 3] {
        let (_, width) = self.widths();
        let zeros = if self.slides { width } else { 0 };
        [self.places.found_bytes(), room::<N>(zeros), room::<N>(self.places.blocks.longest() * width)]
    }
}

impl<N: Channelwise> Task for RowsTask<N> {
    fn pieces(&self) -> usize {
        self.places.cut.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.rooms().into_iter().sum::<usize>() + self.tail.scratch_bytes()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (isa, buffers, (_, width), [found, zeros, sums]) =
            (at.isa, at.buffers, self.widths(), self.rooms());
        let (found, rest) = at.scratch.split_at_mut(found);
        let (zeros, rest) = rest.split_at_mut(zeros);
        zeros.fill(0);
        let (sums, rest) = rest.split_at_mut(sums);
        let (from, kernel) = (buffers.read::<N>(self.from), buffers.read::<N>(self.kernel));
        self.tail.begin(isa, buffers, rest);
        for places in self.places.of(piece) {
            let sums = &mut elements_mut::<N>(sums)[..places.len() * width];
            self.multiply(isa, places.clone(), [from, kernel, elements(zeros)], found, sums);
            self.tail.run_range(isa, buffers, rest, bytes(sums), places.start * width..places.end * width);
        }
    }
}

impl<N: Channelwise> RowsTask<N> {
    /// The sums of a block of places.
    fn multiply(
        &self,
        isa: Isa,
        places: Range<usize>,
        [from, kernel, zeros]: [&[N]; 3],
        found: &mut [u8],
        sums: &mut [N],
    ) {
        let (sliding, (from_width, width), Channels { filters, .. }) =
            (&self.places.sliding, self.widths(), self.sizes);
        let (rows, start) = (places.len(), places.start);
        let meetings = sliding.find(isa, places, found);
        let (runs, order, spread) = (&*meetings.elements, &*meetings.order, self.spread);
        if filters != 1 {
            return isa.run(Rows { runs, order, filters, spread, from, from_width, kernel, width, sums });
        }
        let product = ChannelProduct {
            from,
            runs,
            steps: [1, rows],
            rows,
            depth: sliding.taps,
            channels: width,
            factors: kernel,
            order: Some(order),
            sums,
            adds: false,
        };
        let Some(along) = sliding.last_axis().filter(|_| self.slides) else {
            return N::multiply_channels(isa, product);
        };
        // Forwards all places are of one phase, so that they stand in order.
        let product = ChannelProduct { order: None, ..product };
        let (line, start) = (along.places, start % along.places);
        N::multiply_sliding_channels(isa, SlidingChannels { product, line, start, zeros });
    }
}

/// A block of rows of sums where channels have several filters.
struct Rows<'a, N> {
    /// For each tap what it meets from each row.
    runs: &'a [u32],
    order: &'a [u32],
    filters: usize,
    spread: bool,
    from: &'a [N],
    from_width: usize,
    kernel: &'a [N],
    width: usize,
    sums: &'a mut [N],
}

impl<N: Number> Loop for Rows<'_, N> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Rows { runs, order, filters, spread, from, from_width, kernel, width, sums } = self;
        sums.fill(N::ZERO);
        if filters == 0 {
            return;
        }
        let runs = runs.chunks_exact(order.len());
        let kernel_width = kernel.len() / runs.len();
        for (runs, kernel) in runs.zip(kernel.chunks_exact(kernel_width)) {
            for (&run, &place) in runs.iter().zip(order).filter(|&(&run, _)| run != ZEROS) {
                let x = &from[run as usize * from_width..][..from_width];
                let sums = &mut sums[place as usize * width..][..width];
                if spread {
                    spread_add::<T, N>(sums, x, kernel, filters);
                    continue;
                }
                let each = sums.iter_mut().zip(x.chunks_exact(filters)).zip(kernel.chunks_exact(filters));
                for ((sum, x), kernel) in each {
                    *sum = x.iter().zip(kernel).fold(*sum, |sum, (x, &k)| x.mul_add::<T>(k, sum));
                }
            }
        }
    }
}

/// `sums += x·y`, each element of `x` with `filters` of the others.
#[inline(always)]
fn spread_add<T: Target, N: Number>(sums: &mut [N], x: &[N], y: &[N], filters: usize) {
    let each = sums.chunks_exact_mut(filters).zip(x).zip(y.chunks_exact(filters));
    for ((sums, &x), y) in each {
        for (sum, &y) in sums.iter_mut().zip(y) {
            *sum = x.mul_add::<T>(y, *sum);
        }
    }
}

/// The gradient for the kernel: each piece sums over places of its own.
struct KernelTask<N> {
    places: Places,
    sizes: Channels,
    input: BufferIndex,
    result: BufferIndex,
    sums: BufferIndex,
    number: PhantomData<N>,
}

impl<N: Channelwise> KernelTask<N> {
    fn kernel_size(&self) -> usize {
        self.places.sliding.taps * self.sizes.groups * self.sizes.filters
    }

    /// Adds what a block of places makes of the gradients there.
    fn add(
        &self,
        isa: Isa,
        places: Range<usize>,
        input: &[N],
        result: &[N],
        found: &mut [u8],
        sums: &mut [N],
    ) {
        let (sliding, Channels { groups, filters }) = (&self.places.sliding, self.sizes);
        let (depth, width) = (places.len(), groups * filters);
        let result = &result[places.start * width..places.end * width];
        // Forwards all places are of one phase, so that they stand in order.
        let runs = &*sliding.find(isa, places, found).elements;
        if filters != 1 {
            return isa.run(Kernel { runs, places: depth, groups, filters, input, result, sums });
        }
        let product = ChannelProduct {
            from: input,
            runs,
            steps: [depth, 1],
            rows: sliding.taps,
            depth,
            channels: groups,
            factors: result,
            order: None,
            sums,
            adds: true,
        };
        N::multiply_channels(isa, product);
    }
}

impl<N: Channelwise> Task for KernelTask<N> {
    fn pieces(&self) -> usize {
        self.places.cut.count()
    }

    fn scratch_bytes(&self) -> usize {
        self.places.found_bytes() + room::<N>(self.kernel_size())
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (size, isa) = (self.kernel_size(), at.isa);
        let (found, sums) = at.scratch.split_at_mut(self.places.found_bytes());
        let sums = &mut elements_mut::<N>(sums)[..size];
        let (input, result) = (at.buffers.read::<N>(self.input), at.buffers.read::<N>(self.result));
        sums.fill(N::ZERO);
        for places in self.places.of(piece) {
            self.add(isa, places, input, result, found, sums);
        }
        // SAFETY: every piece has a part of its own.
        let kept = unsafe { at.buffers.write::<N::Total>(self.sums, piece * size..(piece + 1) * size) };
        kept.iter_mut().zip(sums).for_each(|(kept, sum)| *kept = sum.lift());
    }
}

/// The sums over a block of places where channels have several filters.
struct Kernel<'a, N> {
    /// For each tap what it meets from each place.
    runs: &'a [u32],
    places: usize,
    groups: usize,
    filters: usize,
    input: &'a [N],
    result: &'a [N],
    sums: &'a mut [N],
}

impl<N: Number> Loop for Kernel<'_, N> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Kernel { runs, places, groups, filters, input, result, sums } = self;
        let width = groups * filters;
        for (runs, sums) in runs.chunks_exact(places).zip(sums.chunks_exact_mut(width)) {
            for (&run, y) in runs.iter().zip(result.chunks_exact(width)).filter(|&(&run, _)| run != ZEROS) {
                spread_add::<T, N>(sums, &input[run as usize * groups..][..groups], y, filters);
            }
        }
    }
}
