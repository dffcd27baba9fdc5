//! Convolutions and their gradients, as products of what taps meet.

use std::fmt::{Display, Write as _};

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
    let phases = Phases::of(sizes, sliding);
    let product = product(form, sizes, &phases, node.ty.dtype);
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
    let is_of_whole_rows = product.dtype.bytes() == 2 && by_channel == 8 && by_filter == 8;
    let along_k = is_of_whole_rows.then(|| plain(form, sizes, sliding, &product)).flatten();
    let (before, buffers) = (described(sizes, sliding, &phases), [node.arg(0), node.arg(1)]);
    let operands = Operands { family: family!("conv"), before, left, right, buffers, along_k };
    let is_direct = sizes.groups > 1 && sizes.channels > 0 && sizes.channels.min(sizes.filters) < FEW;
    if is_direct {
        direct(form, sizes, &product, &operands).add(lowering, step, tail)
    } else {
        by_tiles(lowering, step, &product, &operands, tail)
    }
}

/// Of a convolution of one tap, which meets every element: its operands are plain matrices. Whether they lie along k.
fn plain(form: Form, sizes: &ConvSizes, sliding: &Sliding, product: &Product) -> Option<[bool; 2]> {
    let is_still = sizes.input == sizes.places && sliding.low.iter().all(|&low| low == 0);
    let is_plain = is_still && sizes.taps.elements() == 1 && sizes.groups == 1 && product.batch == 1;
    is_plain.then_some(match form {
        Form::Forward => [true, false],
        Form::InputGrad => [true, true],
        Form::KernelGrad => [false, false],
    })
}

/// The table at the head of conv.cu.
fn product(form: Form, sizes: &ConvSizes, phases: &Phases, dtype: DType) -> Product {
    let &ConvSizes { batch, groups, channels, filters, .. } = sizes;
    let (taps, places) = (sizes.taps.elements(), sizes.places.elements());
    let [count, m, n, k, results] = match form {
        Form::Forward => {
            [groups, batch * places, filters, taps * channels, batch * places * groups * filters]
        }
        Form::InputGrad => {
            let (tapped, reached) = (product_of(&phases.tapped), product_of(&phases.reached));
            let results = batch * sizes.input.elements() * groups * channels;
            [groups * phases.count(), batch * reached, channels, tapped * filters, results]
        }
        Form::KernelGrad => {
            [groups, taps * channels, filters, batch * places, taps * channels * groups * filters]
        }
    };
    let place = match form {
        Form::Forward | Form::KernelGrad => format!("(row * {groups}u + batch) * {n}u"),
        Form::InputGrad => "conv_family::element_of_phase<@_conv>(batch, row)".to_string(),
    };
    Product { dtype, batch: count, m, n, k, results, place, row_alignment: n }
}

/// Elements of the input that lie a multiple of the stride apart meet the same taps: see the head of conv.cu. Each of
/// these has a number for each axis.
struct Phases {
    counts: Vec<usize>,
    /// The first tap of each phase; behind all taps where there is none.
    first_taps: Vec<Vec<usize>>,
    every: Vec<usize>,
    tapped: Vec<usize>,
    reached: Vec<usize>,
}

/// Elements are not told apart by longer strides: most would have no taps, and little to do.
const LONGEST_STRIDE: usize = 8;

impl Phases {
    fn of(sizes: &ConvSizes, sliding: &Sliding) -> Phases {
        let axes = || 0..sliding.axes();
        let count = |&stride: &usize| if stride > LONGEST_STRIDE { 1 } else { stride };
        let counts: Vec<usize> = sliding.strides.iter().map(count).collect();
        let first_taps = |axis: usize| -> Vec<usize> {
            let first = |phase: usize| {
                let meets = |tap: &usize| tap * sliding.dilation[axis] % counts[axis] == phase;
                (0..sizes.taps[axis].min(counts[axis])).find(meets).unwrap_or(sizes.taps[axis])
            };
            (0..counts[axis]).map(first).collect()
        };
        let first_taps = axes().map(first_taps).collect();
        let every = |axis: usize| counts[axis] / common_divisor(counts[axis], sliding.dilation[axis]);
        let every: Vec<usize> = axes().map(every).collect();
        let tapped = axes().map(|axis| sizes.taps[axis].div_ceil(every[axis])).collect();
        let reached = axes().map(|axis| sizes.input[axis].div_ceil(counts[axis])).collect();
        Phases { counts, first_taps, every, tapped, reached }
    }

    fn count(&self) -> usize {
        product_of(&self.counts)
    }
}

fn product_of(numbers: &[usize]) -> usize {
    numbers.iter().product()
}

fn common_divisor(x: usize, y: usize) -> usize {
    if y == 0 { x } else { common_divisor(y, x % y) }
}

/// A form without tiles, for groups of few channels.
fn direct<'a>(form: Form, sizes: &ConvSizes, product: &'a Product, operands: &'a Operands) -> Summing<'a> {
    let results = product.results;
    let lanes = power_of_two_in(&[sizes.groups * product.n], 8);
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
    let params = operands.pointers(product.dtype);
    Summing { product, operands, parts, call, params, blocks, threads: THREADS, shared: 0, lanes }
}

/// What conv.cu calls C.
fn described(sizes: &ConvSizes, sliding: &Sliding, phases: &Phases) -> String {
    // Sizes that are divided by are not 0; where they would be, there is nothing to sum.
    let some = |size: usize| size.max(1);
    let mut text = format!(
        "struct @_conv {{\n    static constexpr int AXES = {};\n    \
         static constexpr index BATCH = {}u, GROUPS = {}u, CHANNELS = {}u, FILTERS = {}u;\n    \
         static constexpr index INPUTS = {}u, TAPS = {}u, PLACES = {}u;\n    \
         static constexpr index PHASES = {}u, TAPPED = {}u, REACHED = {}u;\n",
        sliding.axes(),
        sizes.batch,
        sizes.groups,
        some(sizes.channels),
        some(sizes.filters),
        some(sizes.input.elements()),
        sizes.taps.elements(),
        some(sizes.places.elements()),
        phases.count(),
        product_of(&phases.tapped),
        some(product_of(&phases.reached)),
    );
    let along: [(&str, &[usize]); 10] = [
        ("input", &sizes.input),
        ("taps", &sizes.taps),
        ("places", &sizes.places),
        ("stride", &sliding.strides),
        ("low", &sliding.low),
        ("dilation", &sliding.dilation),
        ("phases", &phases.counts),
        ("every", &phases.every),
        ("tapped", &phases.tapped),
        ("reached", &phases.reached),
    ];
    for (name, numbers) in along {
        let _ = writeln!(
            text,
            "    static METHOD constexpr index {name}(int axis) {{ return {}; }}",
            chosen("axis", numbers.iter())
        );
    }
    let first_taps = phases.first_taps.iter().map(|taps| format!("({})", chosen("phase", taps.iter())));
    let _ = writeln!(
        text,
        "    static METHOD constexpr index first_tap(int axis, index phase) {{ return {}; }}\n}};",
        chosen("axis", first_taps)
    );
    text
}

/// A choice by a whole number: `axis == 0 ? 3u : axis == 1 ? 2u : 0u`.
fn chosen(by: &str, values: impl Iterator<Item = impl Display>) -> String {
    let each = values.enumerate().map(|(number, value)| format!("{by} == {number} ? {value} : "));
    each.chain(["0u".to_string()]).collect()
}
