//! Lowering of the ops whose windows slide over the axes between the first and the last, and of what follows them.

use cornu_ir::DType;
use cornu_ir::error::BackendError;
use cornu_ir::op::Op;
use cornu_ir::ops::{ConvSizes, Sliding};
use cornu_ir::plan::{DotKernel, Program};

use super::{Node, widened};
use crate::error::broken;
use crate::kernels::conv::{self, Convolution, Form};
use crate::kernels::depthwise::depthwise;
use crate::kernels::pool::{Pool, window, window_spread};
use crate::lower::Lowering;
use crate::simd::table::Held;

/// True if an op may be followed by other things than the identity.
pub(super) fn takes_tail(op: &Op) -> bool {
    let is_convolution = matches!(op, Op::Conv(_) | Op::ConvInputGrad(_) | Op::ConvKernelGrad(_));
    is_convolution || matches!(op, Op::Window(_) | Op::WindowSpread(_))
}

/// Lowers one of the three forms of a convolution.
pub(super) fn convolve(lowering: &mut Lowering<'_>, op: &Op, node: &Node<'_>) -> Result<(), BackendError> {
    let (form, sizes, sliding) = match op {
        Op::Conv(op) => (Form::Forward, op.sizes(&node.args[0].shape, &node.args[1].shape), &op.sliding),
        Op::ConvInputGrad(op) => (Form::InputGrad, op.sizes(node.args[0], node.args[1]), &op.conv.sliding),
        Op::ConvKernelGrad(op) => (Form::KernelGrad, op.sizes(node.args[0], node.args[1]), &op.conv.sliding),
        other => return Err(broken(format!("`{}` as a convolution", other.rules().name()))),
    };
    convolution(lowering, node, form, &sizes.ok_or_else(|| broken("a convolution without sizes"))?, sliding)
}

fn convolution(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    form: Form,
    sizes: &ConvSizes,
    sliding: &Sliding,
) -> Result<(), BackendError> {
    let dtype = node.ty.dtype;
    if sizes.groups == 1 && sliding.is_pointwise(&sizes.taps) {
        return lowering.dot(&pointwise(form, sizes, dtype, node.tail.clone()), node.step);
    }
    let tail = lowering.code(node.tail, node.ty.elements(), node.step, true)?;
    let isa = lowering.isa;
    let tasks = if sizes.channels == 1 && sizes.groups > 1 && conv::has_numbers(sizes) {
        let args = [0, 1].map(|arg| widened(lowering, node, arg));
        let conv = Convolution { form, sizes, sliding, args };
        depthwise(&conv, Held::of(dtype), tail, &mut |bytes| lowering.temporary(bytes))
    } else {
        let conv = Convolution { form, sizes, sliding, args: [node.arg(0), node.arg(1)] };
        conv::conv(&conv, dtype, isa, tail, &mut |bytes| lowering.temporary(bytes))
    };
    lowering.extend(tasks.ok_or_else(|| broken("a convolution of whole numbers"))?);
    Ok(())
}

/// A convolution with a single tap at each element is a product of matrices.
fn pointwise(form: Form, sizes: &ConvSizes, dtype: DType, tail: Program) -> DotKernel {
    let ConvSizes { channels, filters, .. } = *sizes;
    let rows = sizes.batch * sizes.places.elements();
    let [m, n, k] = match form {
        Form::Forward => [rows, filters, channels],
        Form::InputGrad => [rows, channels, filters],
        Form::KernelGrad => [channels, filters, rows],
    };
    DotKernel {
        batch: 1,
        m,
        n,
        k,
        dtype,
        lhs_transposed: form == Form::KernelGrad,
        rhs_transposed: form == Form::InputGrad,
        tail,
    }
}

/// Lowers windows whose elements combine, and the gradient of their sums.
pub(super) fn pool(lowering: &mut Lowering<'_>, op: &Op, node: &Node<'_>) -> Result<(), BackendError> {
    let tail = lowering.code(node.tail, node.ty.elements(), node.step, true)?;
    let (held, from) = (Held::of(node.ty.dtype), widened(lowering, node, 0));
    let (argument, result) = (&node.args[0].shape, &node.ty.shape);
    let task = match op {
        Op::Window(op) => {
            let pool = Pool { windows: &op.windows, input: argument, result };
            window(op.kind, &pool, held, from, tail)
        }
        Op::WindowSpread(op) => {
            let pool = Pool { windows: &op.windows, input: result, result: argument };
            window_spread(&pool, held, from, tail)
        }
        other => return Err(broken(format!("`{}` as windows", other.rules().name()))),
    };
    lowering.push_boxed(task.ok_or_else(|| broken("windows over whole numbers"))?);
    Ok(())
}
