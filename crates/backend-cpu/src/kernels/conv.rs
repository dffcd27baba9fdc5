//! Convolutions as matrix products: what the taps meet is multiplied where it lies. Half-width floats, and sums of
//! nothing, go by patches instead, which are gathered tile by tile while they are multiplied.

mod direct;
mod kernel_grad;
mod left;
mod lines;

use std::marker::PhantomData;

use cornu_ir::DType;
use cornu_ir::ops::{ConvSizes, Sliding};

use self::direct::{Cut, DirectTask};
use self::kernel_grad::KernelGradTask;
use self::left::Left;
use self::lines::Lines;
use super::copy::{Axis, CopyTask, Side};
use super::map::Code;
use super::matmul::{Layout, Sizes, products};
use super::panel::{Panel, Source};
use super::patches::{Patches, Taps};
use super::reduce::join_task;
use super::{BufferIndex, Task};
use crate::simd::Isa;
use crate::simd::fold::Sum;
use crate::simd::gemm::{LEAST_ROWS, Multiplied};
use crate::simd::half::{Bf16, F16};
use crate::simd::pack::Operand;
use crate::simd::rows::ZEROS;

/// Which of its three tensors a convolution is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The result, from input and kernel.
    Forward,
    /// The gradient for the input, from the result's and the kernel.
    InputGrad,
    /// The gradient for the kernel, from the input and the result's.
    KernelGrad,
}

/// A convolution and the buffers of its arguments.
pub(crate) struct Convolution<'a> {
    pub(crate) form: Form,
    pub(crate) sizes: &'a ConvSizes,
    pub(crate) sliding: &'a Sliding,
    pub(crate) args: [BufferIndex; 2],
}

/// The tasks of a convolution of a float type; `None` for other types.
pub(crate) fn conv(
    conv: &Convolution<'_>,
    dtype: DType,
    isa: Isa,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Option<Vec<Box<dyn Task>>> {
    match dtype {
        DType::F32 => Some(float_tasks::<f32>(conv, isa, tail, temporary)),
        DType::F64 => Some(float_tasks::<f64>(conv, isa, tail, temporary)),
        DType::BF16 => Some(tasks::<Bf16>(conv, isa, tail, temporary)),
        DType::F16 => Some(tasks::<F16>(conv, isa, tail, temporary)),
        DType::I32 | DType::I64 | DType::U8 | DType::U32 | DType::Bool => None,
    }
}

/// The tasks where elements are multiplied as they lie; the general ones where there are too many or too few for that.
fn float_tasks<N: Multiplied + Operand<Raw = N, Held = N>>(
    conv: &Convolution<'_>,
    isa: Isa,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let ConvSizes { batch, input, taps, places, groups, channels, filters } = conv.sizes;
    if !has_numbers(conv.sizes) || is_empty(conv.sizes) {
        return tasks::<N>(conv, isa, tail, temporary);
    }
    let [first, second] = conv.args;
    let forward = Taps::forward(conv.sliding, input, taps, places);
    let (groups, strip) = (*groups, isa.tile(size_of::<N>()).columns);
    let left = |taps: Taps, channels: usize| Left::new(Patches { from: first, taps, groups, channels });
    let sliding =
        |left: Left, columns: usize| if columns <= 2 * strip { left.by_lines(Lines::slide) } else { left };
    let mut before: Vec<Box<dyn Task>> = Vec::new();
    let (left, columns, kernel) = match conv.form {
        Form::Forward => {
            let kernel = Source::Matrix { from: second, batch: *filters, row: 1, column: groups * filters };
            (sliding(left(forward, *channels), *filters), *filters, kernel)
        }
        Form::InputGrad => {
            let left = left(Taps::backward(conv.sliding, input, taps, places), *filters);
            let left = sliding(left, *channels);
            let depth = left.depth();
            let turned = temporary(groups * channels * depth * size_of::<N>());
            let reversed = left.lines().map_or(1, |lines| lines.taps);
            before.extend(turn_kernel::<N>(conv.sizes, reversed, second, turned));
            (left, *channels, Source::Matrix { from: turned, batch: channels * depth, row: depth, column: 1 })
        }
        Form::KernelGrad => {
            let left = left(forward, *channels).by_lines(Lines::slide_outer);
            if left.run() < LEAST_ROWS {
                return tasks::<N>(conv, isa, tail, temporary);
            }
            return kernel_grad::<N>(conv, left, second, tail, temporary);
        }
    };
    let results = batch * left.places();
    let cut = Cut::new(results, columns, groups, &left, strip);
    let right = Panel::<N>::new(kernel, [columns, left.depth()], strip);
    let mut right = right.by(if cut.is_few { left.run() } else { left.depth() });
    if !cut.is_few {
        before.extend(right.pack_ahead(groups, temporary));
    }
    let sliding =
        left.lines().filter(|lines| lines.slide() && cut.is_at(lines.places)).map(|lines| lines.places);
    before.push(Box::new(DirectTask { left, right, groups, columns, tail, cut, sliding }));
    before
}

/// True if there is nothing to multiply.
fn is_empty(sizes: &ConvSizes) -> bool {
    let ConvSizes { batch, input, taps, places, groups, channels, filters } = sizes;
    let [input, taps, places] = [input, taps, places].map(|shape| shape.elements());
    // Not their product: for volumes that is more than fits a number.
    [*batch, input, taps, places, *groups, *channels, *filters].contains(&0)
}

/// True if places and elements can be listed by their numbers.
pub(crate) fn has_numbers(sizes: &ConvSizes) -> bool {
    let most = sizes.batch.saturating_mul(sizes.input.elements().max(sizes.places.elements()));
    u32::try_from(most).is_ok_and(|count| count < ZEROS)
}

/// The tasks of the gradient for the kernel.
fn kernel_grad<N: Multiplied>(
    conv: &Convolution<'_>,
    left: Left,
    right: BufferIndex,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let ConvSizes { batch, groups, filters: columns, .. } = *conv.sizes;
    let sliding = left.lines().filter(|lines| lines.slide_outer()).map(|lines| lines.places);
    let cut = kernel_grad::Cut::new(batch * left.places(), &left, columns, groups, sliding.unwrap_or(1));
    let (parts, results) = (cut.parts(), left.depth() * groups * columns);
    let sums = temporary(parts * results * size_of::<N::Total>());
    let task = KernelGradTask { left, right, sums, groups, columns, cut, sliding, number: PhantomData::<N> };
    vec![Box::new(task), join_task::<Sum<N>>(results, parts, sums, tail)]
}

fn tasks<O: Operand>(
    conv: &Convolution<'_>,
    isa: Isa,
    tail: Code,
    temporary: &mut dyn FnMut(usize) -> BufferIndex,
) -> Vec<Box<dyn Task>> {
    let ConvSizes { batch, input, taps, places, groups, channels, filters } = conv.sizes;
    let (groups, channels, filters) = (*groups, *channels, *filters);
    let (elements, taps_count) = (batch * input.elements(), taps.elements());
    let (results, tile, [first, second]) =
        (batch * places.elements(), isa.tile(size_of::<O::Held>()), conv.args);
    let forward = || Taps::forward(conv.sliding, input, taps, places);
    let patches = |from: BufferIndex, taps: Taps, channels: usize| Patches { from, taps, groups, channels };
    // Filters and results alike lie with the filters of all groups innermost.
    let by_filter =
        |from: BufferIndex| Source::Matrix { from, batch: filters, row: 1, column: groups * filters };
    let filters_innermost = Layout { batch: filters, row: groups * filters };
    let mut before: Option<Box<dyn Task>> = None;
    let ([m, n, k], left, right, layout) = match conv.form {
        Form::Forward => {
            let left = Source::Rows(patches(first, forward(), channels));
            ([results, filters, taps_count * channels], left, by_filter(second), filters_innermost)
        }
        Form::InputGrad => {
            let backward = Taps::backward(conv.sliding, input, taps, places);
            let left = Source::Rows(patches(first, backward, filters));
            let turned = temporary(groups * channels * taps_count * filters * size_of::<O::Raw>());
            before = turn_kernel::<O>(conv.sizes, 1, second, turned);
            let depth = taps_count * filters;
            let right = Source::Matrix { from: turned, batch: channels * depth, row: depth, column: 1 };
            let layout = Layout { batch: channels, row: groups * channels };
            ([elements, channels, depth], left, right, layout)
        }
        Form::KernelGrad => {
            let left = Source::Columns(patches(first, forward(), channels));
            ([taps_count * channels, filters, results], left, by_filter(second), filters_innermost)
        }
    };
    let sizes = Sizes { batch: groups, m, n, k };
    let left = Panel::<O>::new(left, [m, k], tile.rows);
    let right = Panel::<O>::new(right, [n, k], tile.columns);
    before.into_iter().chain(products(sizes, left, right, layout, tail, temporary)).collect()
}

/// Brings a kernel `[taps, channels, groups, filters]` into the order `[groups, channels, taps, filters]`, each
/// `reversed` taps along the last axis the other way round; nothing to do where it has no elements.
fn turn_kernel<O: Operand>(
    sizes: &ConvSizes,
    reversed: usize,
    from: BufferIndex,
    to: BufferIndex,
) -> Option<Box<dyn Task>> {
    let ConvSizes { groups, channels, filters, .. } = *sizes;
    let taps = sizes.taps.elements();
    if groups * channels * taps * filters == 0 {
        return None;
    }
    let tap = channels * groups * filters;
    let axis = |size: usize, from: usize, to: usize| Axis { size, from: from as isize, to: to as isize };
    let axes = [
        axis(groups, filters, channels * taps * filters),
        axis(channels, groups * filters, taps * filters),
        axis(taps / reversed, reversed * tap, reversed * filters),
        Axis { size: reversed, from: -(tap as isize), to: filters as isize },
        axis(filters, 1, 1),
    ];
    let from = Side::at(from, (reversed - 1) * tap);
    Some(Box::new(CopyTask::new(size_of::<O::Raw>(), &axes, from, Side::at(to, 0))))
}
