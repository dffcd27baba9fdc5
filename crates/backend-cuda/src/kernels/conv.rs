//! Convolutions and their gradients, as products of what taps meet.

use std::fmt::Write as _;

use cornu_ir::DType;
use cornu_ir::error::BackendError;
use cornu_ir::ops::{ConvSizes, Sliding};

use super::product::{Operands, Product, Summing, by_tiles, parts, power_of_two_in, vector};
use super::{THREADS, blocks};
use crate::lower::Lowering;
use crate::ops::Node;
use crate::print::c_type;
use crate::source::family;

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

/// Groups of fewer channels or filters than this leave most of the smallest tile empty: they go without tiles.
const FEW: usize = 16;
/// Blocks of a direct form that keep memory busy.
const BLOCKS: usize = 132 * 8;

/// Adds a convolution, whose result has elements.
pub(crate) fn conv(
    lowering: &mut Lowering<'_>,
    form: Form,
    sizes: &ConvSizes,
    sliding: &Sliding,
    node: &Node<'_>,
) -> Result<(), BackendError> {
    let (step, tail) = (node.step, &node.kernel.tail);
    let product = product(form, sizes, node.ty.dtype);
    let most = if product.dtype.bytes() == 2 { 8 } else { 4 };
    let vector = |extent: usize| vector(lowering, product.dtype, &[extent], most);
    let (by_channel, by_filter) = (vector(sizes.channels), vector(sizes.filters));
    let c = c_type(product.dtype);
    let gradient = {
        let (filters, all) = (sizes.filters, sizes.groups * sizes.filters);
        format!("Matrix<{c}, false, {by_filter}, {filters}u, {}u, {all}u, {filters}u>", product.k)
    };
    let (left, right) = match form {
        Form::Forward => (format!("Patches<@_conv, {c}, {by_channel}>"), gradient),
        Form::InputGrad => {
            let of = |name: &str| format!("{name}<@_conv, {c}, {by_filter}>");
            (of("Meetings"), of("TurnedKernel"))
        }
        Form::KernelGrad => (format!("TurnedPatches<@_conv, {c}, {by_channel}>"), gradient),
    };
    let (before, buffers) = (described(sizes, sliding), [node.arg(0), node.arg(1)]);
    let operands = Operands { family: family!("conv"), before, left, right, buffers };
    let is_direct = sizes.groups > 1 && sizes.channels > 0 && sizes.channels.min(sizes.filters) < FEW;
    if is_direct {
        direct(form, sizes, &product, &operands).add(lowering, step, tail)
    } else {
        by_tiles(lowering, step, &product, &operands, tail)
    }
}

/// The table at the head of conv.cu.
fn product(form: Form, sizes: &ConvSizes, dtype: DType) -> Product {
    let &ConvSizes { batch, groups, channels, filters, .. } = sizes;
    let (inputs, taps, places) = (sizes.input.elements(), sizes.taps.elements(), sizes.places.elements());
    let [m, n, k] = match form {
        Form::Forward => [batch * places, filters, taps * channels],
        Form::InputGrad => [batch * inputs, channels, taps * filters],
        Form::KernelGrad => [taps * channels, filters, batch * places],
    };
    Product { dtype, batch: groups, m, n, k, row_step: groups * n, batch_step: n }
}

/// A form without tiles, for groups of few channels.
fn direct<'a>(form: Form, sizes: &ConvSizes, product: &'a Product, operands: &'a Operands) -> Summing<'a> {
    let results = product.results();
    let lanes = power_of_two_in(&[product.row_step], 8);
    let whole = parts(product, 1, 1, usize::MAX);
    let each_result = blocks(results / lanes, THREADS) as usize;
    let filters = (sizes.groups * sizes.filters).div_ceil(32) * product.m;
    let shared = parts(product, filters, BLOCKS, 256);
    let (name, lanes, parts, blocks) = match form {
        Form::Forward => ("conv_direct", lanes, whole, each_result),
        Form::InputGrad => ("conv_input_grad_direct", lanes, whole, each_result),
        Form::KernelGrad => ("conv_kernel_grad_direct", 1, shared, filters * shared.count),
    };
    let call = format!("{name}<@_sizes, @_conv>");
    Summing { product, operands, parts, call, blocks, threads: THREADS, shared: 0, lanes }
}

/// What conv.cu calls C.
fn described(sizes: &ConvSizes, sliding: &Sliding) -> String {
    // Sizes that are divided by are not 0; where they would be, there is nothing to sum.
    let some = |size: usize| size.max(1);
    let mut text = format!(
        "struct @_conv {{\n    static constexpr int AXES = {};\n    \
         static constexpr index BATCH = {}u, GROUPS = {}u, CHANNELS = {}u, FILTERS = {}u;\n    \
         static constexpr index INPUTS = {}u, TAPS = {}u, PLACES = {}u;\n",
        sliding.axes(),
        sizes.batch,
        sizes.groups,
        some(sizes.channels),
        some(sizes.filters),
        some(sizes.input.elements()),
        sizes.taps.elements(),
        some(sizes.places.elements()),
    );
    let along = [
        ("input", &sizes.input),
        ("taps", &sizes.taps),
        ("places", &sizes.places),
        ("stride", &sliding.strides),
        ("low", &sliding.low),
        ("dilation", &sliding.dilation),
    ];
    for (name, numbers) in along {
        let _ = writeln!(
            text,
            "    static METHOD constexpr index {name}(int axis) {{ return {}; }}",
            by_axis(numbers)
        );
    }
    text.push_str("};\n");
    text
}

/// The number of each axis: `axis == 0 ? 3u : axis == 1 ? 2u : 0u`.
fn by_axis(numbers: &[usize]) -> String {
    let each = numbers.iter().enumerate().map(|(axis, number)| format!("axis == {axis} ? {number}u : "));
    each.chain(["0u".to_string()]).collect()
}
