//! Lowering of the ops whose windows slide over the axes between the first and the last, and of what follows them.

use cornu_ir::error::BackendError;
use cornu_ir::op::Op;

use super::{Node, widened};
use crate::error::broken;
use crate::kernels::conv::{self, Convolution, Form};
use crate::kernels::depthwise::depthwise;
use crate::kernels::pool::{Pool, window, window_spread};
use crate::lower::Lowering;
use crate::simd::table::Held;

/// Lowers one of the three forms of a convolution.
pub(super) fn convolve(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Result<(), BackendError> {
    let (sizes, sliding) =
        node.kernel.convolution(&node.args).ok_or_else(|| broken("a convolution without sizes"))?;
    let form = if matches!(node.kernel.op, Op::ConvInputGrad(_)) {
        Form::InputGrad
    } else if matches!(node.kernel.op, Op::ConvKernelGrad(_)) {
        Form::KernelGrad
    } else {
        Form::Forward
    };
    let (dtype, isa, sizes) = (node.ty.dtype, lowering.isa, &sizes);
    let tail = lowering.code(&node.kernel.tail, node.step, true)?;
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

/// Lowers windows whose elements combine, and the gradient of their sums.
pub(super) fn pool(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Result<(), BackendError> {
    let tail = lowering.code(&node.kernel.tail, node.step, true)?;
    let (held, from) = (Held::of(node.ty.dtype), widened(lowering, node, 0));
    let (argument, result) = (&node.args[0].shape, &node.ty.shape);
    let task = match &node.kernel.op {
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
