//! Lowering of single ops: one arm for each op of the language.

mod along;
mod chain;
mod moved;
mod picked;
mod pool;

use cornu_ir::error::BackendError;
use cornu_ir::op::Op;
use cornu_ir::ops::WindowKind;
use cornu_ir::plan::{OpKernel, Step};
use cornu_ir::types::Type;
use smallvec::SmallVec;

pub(crate) use along::lower_reduce;
pub(crate) use chain::lower_chain;

use crate::kernels::conv::{Form, conv};
use crate::kernels::pool::Side;
use crate::kernels::random::random_bits;
use crate::launch::BufferIndex;
use crate::lower::Lowering;

/// The buffers of one op and their types.
pub(crate) struct Node<'a> {
    pub(crate) step: &'a Step,
    pub(crate) kernel: &'a OpKernel,
    pub(crate) args: SmallVec<[&'a Type; 3]>,
    pub(crate) ty: &'a Type,
}

impl Node<'_> {
    /// The buffer of an argument.
    pub(crate) fn arg(&self, index: usize) -> BufferIndex {
        self.step.reads[index].index()
    }

    /// The buffer of the result, which no tail changes.
    pub(crate) fn out(&self) -> BufferIndex {
        self.step.writes[0].index()
    }
}

/// Lowers one op.
pub(crate) fn lower_op(
    lowering: &mut Lowering<'_>,
    kernel: &OpKernel,
    step: &Step,
) -> Result<(), BackendError> {
    let plan = lowering.plan;
    let args: SmallVec<[&Type; 3]> = step.reads[..kernel.operands].iter().map(|&id| plan.ty(id)).collect();
    if kernel.result.elements() == 0 {
        return Ok(());
    }
    if let Some(map) = kernel.as_map(&args) {
        return lowering.map(&map, step);
    }
    if let Some(dot) = kernel.as_dot(&args) {
        return lowering.dot(&dot, step);
    }
    lower_single(lowering, &Node { step, kernel, args, ty: &kernel.result })
}

/// Lowers an op with a kernel of its own, whose result has elements.
fn lower_single(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Result<(), BackendError> {
    match &node.kernel.op {
        op @ (Op::Input(_) | Op::Dot(_) | Op::Reduce(_) | Op::Scan(_) | Op::Conditional(_)) => {
            unreachable!("the check of plans admits no `{}` here", op.rules().name())
        }
        op
        @ (Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select(_) | Op::Cast(_) | Op::Detach(_)) => {
            unreachable!("`{}` is a map", op.rules().name())
        }
        op @ (Op::Iota(_) | Op::Reshape(_) | Op::Broadcast(_) | Op::Slice(_)) => {
            unreachable!("`{}` is a map", op.rules().name())
        }
        Op::Transpose(op) => {
            moved::transpose(lowering, node, op);
            Ok(())
        }
        Op::Reverse(op) => {
            moved::reverse(lowering, node, op);
            Ok(())
        }
        Op::Pad(op) => {
            moved::pad(lowering, node, op);
            Ok(())
        }
        Op::Concat(op) => {
            moved::concat(lowering, node, op);
            Ok(())
        }
        Op::Constant(op) => {
            moved::constant(lowering, node, op);
            Ok(())
        }
        Op::DynamicSlice(_) => {
            moved::dynamic_slice(lowering, node);
            Ok(())
        }
        Op::DynamicUpdate(_) => {
            moved::dynamic_update(lowering, node);
            Ok(())
        }
        Op::Gather(op) => {
            picked::gather(lowering, node, op);
            Ok(())
        }
        Op::Scatter(op) => {
            picked::scatter(lowering, node, op);
            Ok(())
        }
        Op::RandomBits(_) => {
            let buffers = [node.arg(0), node.arg(1), node.out()];
            lowering.push(random_bits(buffers, node.ty.elements(), lowering.aligned));
            Ok(())
        }
        Op::ArgReduce(op) => {
            along::lower_arg_reduce(lowering, op, node);
            Ok(())
        }
        Op::ArgSort(op) => {
            along::lower_arg_sort(lowering, op, node);
            Ok(())
        }
        Op::Cumulative(op) => {
            along::lower_cumulative(lowering, op, node);
            Ok(())
        }
        Op::Conv(_) => convolution(lowering, Form::Forward, node),
        Op::ConvInputGrad(_) => convolution(lowering, Form::InputGrad, node),
        Op::ConvKernelGrad(_) => convolution(lowering, Form::KernelGrad, node),
        Op::Window(op) => {
            pool::lower_window(lowering, op.kind, &op.windows, Side::Windows, node);
            Ok(())
        }
        Op::WindowSpread(op) => {
            pool::lower_window(lowering, WindowKind::Sum, &op.windows, Side::Elements, node);
            Ok(())
        }
        Op::WindowArgMax(op) => {
            pool::lower_window_arg_max(lowering, &op.windows, node);
            Ok(())
        }
    }
}

fn convolution(lowering: &mut Lowering<'_>, form: Form, node: &Node<'_>) -> Result<(), BackendError> {
    let (sizes, sliding) = node.kernel.convolution(&node.args).expect("a convolution whose arguments fit");
    conv(lowering, form, &sizes, sliding, node)
}
