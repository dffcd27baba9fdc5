//! Depthwise convolutions: each channel by itself, so that there is no matrix to multiply, but rows of channels.

use std::marker::PhantomData;
use std::ops::Range;

use cornu_ir::ops::ConvSizes;

use super::conv::{Convolution, Form};
use super::map::Code;
use super::panel::room;
use super::patches::{PADDING, Taps};
use super::reduce::join_task;
use super::{BufferIndex, Site, Task};
use crate::parallel::Pieces;
use crate::simd::fold::{Sum, Summed};
use crate::simd::plain::{bytes, elements_mut};
use crate::simd::table::{Held, floats};
use crate::simd::{Loop, Target};

/// Multiplications that are worth a piece of their own.
const GRAIN: usize = 1 << 16;

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

fn tasks<N: Summed>(
    conv: &Convolution<'_>,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let ConvSizes { batch, input, taps, places, groups, filters, .. } = conv.sizes;
    let sliding = match conv.form {
        Form::Forward | Form::KernelGrad => Taps::forward(conv.sliding, input, taps, places),
        Form::InputGrad => Taps::backward(conv.sliding, input, taps, places),
    };
    let (rows, work) = (batch * sliding.places, sliding.taps * groups * filters);
    let cut = Pieces::new(rows, GRAIN / work.max(1), 1);
    let sizes = Channels { groups: *groups, filters: *filters };
    let [first, second] = conv.args;
    if conv.form != Form::KernelGrad {
        let spread = conv.form == Form::Forward;
        let task = RowsTask {
            sliding,
            sizes,
            cut,
            spread,
            from: first,
            kernel: second,
            tail,
            number: PhantomData::<N>,
        };
        return vec![Box::new(task)];
    }
    let parts = cut.count();
    let sums = temporary(parts * work * size_of::<N::Total>());
    let task =
        KernelTask { sliding, sizes, cut, input: first, result: second, sums, number: PhantomData::<N> };
    vec![Box::new(task), join_task::<Sum<N>>(work, parts, sums, tail)]
}

/// Groups of one channel and some filters.
#[derive(Clone, Copy)]
struct Channels {
    groups: usize,
    filters: usize,
}

/// Result or gradient for the input, row of channels by row of channels.
struct RowsTask<N> {
    sliding: Taps,
    sizes: Channels,
    cut: Pieces,
    /// True if each channel goes into its filters; false if filters are summed into their channel.
    spread: bool,
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
}

impl<N: Summed> Task for RowsTask<N> {
    fn pieces(&self) -> usize {
        self.cut.count()
    }

    fn scratch_bytes(&self) -> usize {
        room::<u64>(self.sliding.taps) + room::<N>(self.widths().1) + self.tail.scratch_bytes()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let (from_width, width) = self.widths();
        let (sources, rest) = at.scratch.split_at_mut(room::<u64>(self.sliding.taps));
        let (sums, rest) = rest.split_at_mut(room::<N>(width));
        let (sources, sums) = (elements_mut::<u64>(sources), &mut elements_mut::<N>(sums)[..width]);
        let (from, kernel) = (at.buffers.read::<N>(self.from), at.buffers.read::<N>(self.kernel));
        self.tail.begin(at.isa, at.buffers, rest);
        for row in self.cut.range(piece) {
            let from = &from[row / self.sliding.places * self.sliding.elements * from_width..];
            let place = row % self.sliding.places;
            let Channels { filters, .. } = self.sizes;
            let (spread, sliding) = (self.spread, &self.sliding);
            at.isa.run(Row { sliding, place, filters, spread, from, from_width, kernel, sources, sums });
            self.tail.run_range(at.isa, at.buffers, rest, bytes(sums), row * width..(row + 1) * width);
        }
    }
}

/// One row of sums.
struct Row<'a, N> {
    sliding: &'a Taps,
    place: usize,
    filters: usize,
    spread: bool,
    from: &'a [N],
    from_width: usize,
    kernel: &'a [N],
    sources: &'a mut [u64],
    sums: &'a mut [N],
}

impl<N: Summed> Loop for Row<'_, N> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Row { sliding, place, filters, spread, from, from_width, kernel, sources, sums } = self;
        sums.fill(N::ZERO);
        sliding.sources(place, sources);
        let kernel_width = kernel.len() / sliding.taps;
        for (&source, kernel) in sources[..sliding.taps].iter().zip(kernel.chunks_exact(kernel_width)) {
            if source == PADDING {
                continue;
            }
            let x = &from[source as usize * from_width..][..from_width];
            if filters == 1 {
                multiply_add::<T, N>(sums, x, kernel);
            } else if spread {
                spread_add::<T, N>(sums, x, kernel, filters);
            } else {
                let each = sums.iter_mut().zip(x.chunks_exact(filters)).zip(kernel.chunks_exact(filters));
                for ((sum, x), kernel) in each {
                    *sum = x.iter().zip(kernel).fold(*sum, |sum, (x, &k)| x.mul_add::<T>(k, sum));
                }
            }
        }
    }
}

/// `sums += x·y`, element by element.
#[inline(always)]
fn multiply_add<T: Target, N: Summed>(sums: &mut [N], x: &[N], y: &[N]) {
    for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
        *sum = x.mul_add::<T>(y, *sum);
    }
}

/// `sums += x·y`, each element of `x` with `filters` of the others.
#[inline(always)]
fn spread_add<T: Target, N: Summed>(sums: &mut [N], x: &[N], y: &[N], filters: usize) {
    let each = sums.chunks_exact_mut(filters).zip(x).zip(y.chunks_exact(filters));
    for ((sums, &x), y) in each {
        for (sum, &y) in sums.iter_mut().zip(y) {
            *sum = x.mul_add::<T>(y, *sum);
        }
    }
}

/// The gradient for the kernel: each piece sums over rows of its own.
struct KernelTask<N> {
    sliding: Taps,
    sizes: Channels,
    cut: Pieces,
    input: BufferIndex,
    result: BufferIndex,
    sums: BufferIndex,
    number: PhantomData<N>,
}

impl<N: Summed> KernelTask<N> {
    fn kernel_size(&self) -> usize {
        self.sliding.taps * self.sizes.groups * self.sizes.filters
    }
}

impl<N: Summed> Task for KernelTask<N> {
    fn pieces(&self) -> usize {
        self.cut.count()
    }

    fn scratch_bytes(&self) -> usize {
        room::<u64>(self.sliding.taps) + room::<N>(self.kernel_size())
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let size = self.kernel_size();
        let (sources, rest) = at.scratch.split_at_mut(room::<u64>(self.sliding.taps));
        let (sources, sums) = (elements_mut::<u64>(sources), &mut elements_mut::<N>(rest)[..size]);
        at.isa.run(Kernel {
            sliding: &self.sliding,
            sizes: self.sizes,
            rows: self.cut.range(piece),
            input: at.buffers.read::<N>(self.input),
            result: at.buffers.read::<N>(self.result),
            sources,
            sums,
        });
        // SAFETY: every piece has a part of its own.
        let kept = unsafe { at.buffers.write::<N::Total>(self.sums, piece * size..(piece + 1) * size) };
        kept.iter_mut().zip(sums).for_each(|(kept, sum)| *kept = sum.lift());
    }
}

/// The sums over some rows.
struct Kernel<'a, N> {
    sliding: &'a Taps,
    sizes: Channels,
    rows: Range<usize>,
    input: &'a [N],
    result: &'a [N],
    sources: &'a mut [u64],
    sums: &'a mut [N],
}

impl<N: Summed> Loop for Kernel<'_, N> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Kernel { sliding, sizes: Channels { groups, filters }, rows, input, result, sources, sums } =
            self;
        let width = groups * filters;
        sums.fill(N::ZERO);
        for row in rows {
            sliding.sources(row % sliding.places, sources);
            let first = row / sliding.places * sliding.elements;
            let y = &result[row * width..][..width];
            for (&source, sums) in sources[..sliding.taps].iter().zip(sums.chunks_exact_mut(width)) {
                if source == PADDING {
                    continue;
                }
                let x = &input[(first + source as usize) * groups..][..groups];
                if filters == 1 {
                    multiply_add::<T, N>(sums, x, y);
                } else {
                    spread_add::<T, N>(sums, x, y, filters);
                }
            }
        }
    }
}
