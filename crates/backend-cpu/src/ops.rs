//! Lowering of single ops: one arm for each op of the language.

mod windowed;

use cornu_ir::DType;
use cornu_ir::error::BackendError;
use cornu_ir::op::Op;
use cornu_ir::plan::{OpKernel, Step};
use cornu_ir::types::{Shape, Type};
use smallvec::SmallVec;

use crate::cpu::host_bytes;
use crate::error::broken;
use crate::kernels::BufferIndex;
use crate::kernels::arg_reduce::arg_reduce;
use crate::kernels::copy::{Axis, ConstantTask, ConvertTask, CopyTask, Corner, FillTask, Side};
use crate::kernels::cumulative::cumulative;
use crate::kernels::gather::{Picks, gather};
use crate::kernels::lines::Lines;
use crate::kernels::pool::{Pool, window_arg_max};
use crate::kernels::random::RandomTask;
use crate::kernels::scatter::{Wires, scatter};
use crate::kernels::sort::arg_sort;
use crate::lower::Lowering;
use crate::simd::half::{narrowing, widening};
use crate::simd::table::Held;

/// The buffers of one op and their types.
struct Node<'a> {
    step: &'a Step,
    kernel: &'a OpKernel,
    args: SmallVec<[&'a Type; 3]>,
    ty: &'a Type,
}

impl Node<'_> {
    /// The buffer of an argument.
    fn arg(&self, index: usize) -> BufferIndex {
        self.step.reads[index].index()
    }

    /// The buffer of the result, which no tail changes.
    fn out(&self) -> BufferIndex {
        self.step.writes[0].index()
    }

    fn width(&self) -> usize {
        self.ty.dtype.bytes()
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
        Op::Transpose(transpose) => {
            let from = node.args[0].shape.strides();
            let strides = transpose.order.iter().map(|&axis| from[axis] as isize);
            let axes = axes(&node.ty.shape, strides, &node.ty.shape.strides());
            lowering.push(CopyTask::new(
                node.width(),
                &axes,
                Side::at(node.arg(0), 0),
                Side::at(node.out(), 0),
            ));
            Ok(())
        }
        Op::Reverse(reverse) => {
            let strides = node.ty.shape.strides();
            let turned = |axis: usize| reverse.axes.contains(&axis);
            let start = reverse.axes.iter().map(|&axis| (node.ty.shape[axis] - 1) * strides[axis]).sum();
            let from =
                (0..strides.len()).map(|axis| strides[axis] as isize * if turned(axis) { -1 } else { 1 });
            let axes = axes(&node.ty.shape, from, &strides);
            lowering.push(CopyTask::new(
                node.width(),
                &axes,
                Side::at(node.arg(0), start),
                Side::at(node.out(), 0),
            ));
            Ok(())
        }
        Op::Pad(pad) => {
            let (width, from, to) = (node.width(), node.args[0].shape.strides(), node.ty.shape.strides());
            lowering.push(FillTask {
                width,
                from: node.arg(1),
                to: node.out(),
                elements: node.ty.elements(),
            });
            let start = pad.low.iter().zip(&to).map(|(low, stride)| low * stride).sum();
            let spread: Vec<usize> =
                pad.interior.iter().zip(&to).map(|(gap, stride)| (gap + 1) * stride).collect();
            let axes = axes(&node.args[0].shape, from.iter().map(|&stride| stride as isize), &spread);
            push_copy(lowering, node.args[0], &axes, Side::at(node.arg(0), 0), Side::at(node.out(), start));
            Ok(())
        }
        Op::Concat(concat) => {
            let to = node.ty.shape.strides();
            let mut start = 0;
            for (index, part) in node.args.iter().enumerate() {
                let axes = axes(&part.shape, part.shape.strides().iter().map(|&stride| stride as isize), &to);
                push_copy(lowering, part, &axes, Side::at(node.arg(index), 0), Side::at(node.out(), start));
                start += part.shape[concat.axis] * to[concat.axis];
            }
            Ok(())
        }
        Op::DynamicSlice(_) => {
            let (whole, block) = (node.args[0], node.ty);
            let strides = whole.shape.strides();
            let axes =
                axes(&block.shape, strides.iter().map(|&stride| stride as isize), &block.shape.strides());
            let corner = corner(whole, block, node.arg(1));
            let from = Side { buffer: node.arg(0), start: 0, corner: Some(corner) };
            push_copy(lowering, block, &axes, from, Side::at(node.out(), 0));
            Ok(())
        }
        Op::DynamicUpdate(_) => {
            let (whole, block) = (node.ty, node.args[1]);
            copy_whole(lowering, whole, node.arg(0), node.out());
            let from = block.shape.strides();
            let axes = axes(&block.shape, from.iter().map(|&stride| stride as isize), &whole.shape.strides());
            let corner = corner(whole, block, node.arg(2));
            let to = Side { buffer: node.out(), start: 0, corner: Some(corner) };
            push_copy(lowering, block, &axes, Side::at(node.arg(1), 0), to);
            Ok(())
        }
        Op::Gather(op) => {
            let picks = Picks::new(node.args[0], node.args[1], op.axis, op.batch);
            let index = node.args[1].dtype;
            let task = gather(picks, node.width(), index, node.arg(0), node.arg(1), node.out());
            lowering.push_boxed(task.ok_or_else(|| broken("a gather by no whole numbers"))?);
            Ok(())
        }
        Op::Scatter(op) => {
            let picks = Picks::new(node.args[0], node.args[1], op.axis, op.batch);
            let (index, held) = (node.args[1].dtype, Held::of(node.ty.dtype));
            // Sums of half-width numbers are kept in f32.
            let (operand, updates) = (widened(lowering, node, 0), widened(lowering, node, 2));
            let wide = wide_result(lowering, node);
            let (to, dtype) = wide.map_or((node.out(), node.ty.dtype), |wide| (wide, DType::F32));
            copy_whole(lowering, &node.ty.with_dtype(dtype), operand, to);
            let wires = Wires { indices: node.arg(1), updates, to };
            let task = scatter(op.kind, held, picks, index, wires);
            lowering.push_boxed(task.ok_or_else(|| broken("a scatter by no whole numbers"))?);
            narrow(lowering, node, wide);
            Ok(())
        }
        Op::ArgReduce(op) => {
            let lines = Lines::new(&node.args[0].shape, op.axis);
            let (held, from) = (Held::of(node.args[0].dtype), widened(lowering, node, 0));
            lowering.push_boxed(arg_reduce(op.kind, held, lines, from, node.out()));
            Ok(())
        }
        Op::ArgSort(op) => {
            let lines = Lines::new(&node.args[0].shape, op.axis);
            let (held, from) = (Held::of(node.args[0].dtype), widened(lowering, node, 0));
            lowering.push_boxed(arg_sort(held, lines, op.descending, op.count, from, node.out()));
            Ok(())
        }
        Op::Cumulative(op) => {
            let lines = Lines::new(&node.ty.shape, op.axis);
            let (held, from) = (Held::of(node.ty.dtype), widened(lowering, node, 0));
            let wide = wide_result(lowering, node);
            let to = wide.unwrap_or(node.out());
            lowering.push_boxed(cumulative(op.kind, held, lines, op.reverse, from, to));
            narrow(lowering, node, wide);
            Ok(())
        }
        Op::RandomBits(_) => {
            let elements = node.ty.elements();
            lowering.push(RandomTask { key: node.arg(0), counter: node.arg(1), to: node.out(), elements });
            Ok(())
        }
        Op::Conv(_) | Op::ConvInputGrad(_) | Op::ConvKernelGrad(_) => windowed::convolve(lowering, node),
        Op::Window(_) | Op::WindowSpread(_) => windowed::pool(lowering, node),
        Op::WindowArgMax(op) => {
            let pool = Pool { windows: &op.windows, input: &node.args[0].shape, result: &node.ty.shape };
            let (held, from) = (Held::of(node.args[0].dtype), widened(lowering, node, 0));
            let task = window_arg_max(&pool, held, from, node.out());
            lowering.push_boxed(task.ok_or_else(|| broken("windows over whole numbers"))?);
            Ok(())
        }
        Op::Constant(constant) => {
            let mut bytes = vec![0; node.ty.bytes()];
            bytes.copy_from_slice(host_bytes(&constant.0));
            lowering.push(ConstantTask { bytes: bytes.into(), to: node.out() });
            Ok(())
        }
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
    }
}

/// The axes of a copied box of this shape.
fn axes(shape: &Shape, from: impl IntoIterator<Item = isize>, to: &[usize]) -> Vec<Axis> {
    let strides = from.into_iter().zip(to);
    shape.iter().zip(strides).map(|(&size, (from, &to))| Axis { size, from, to: to as isize }).collect()
}

/// Copies a box, if it has elements.
fn push_copy(lowering: &mut Lowering<'_>, ty: &Type, axes: &[Axis], from: Side, to: Side) {
    if ty.elements() > 0 {
        lowering.push(CopyTask::new(ty.dtype.bytes(), axes, from, to));
    }
}

/// Copies everything, unless it lies there already.
fn copy_whole(lowering: &mut Lowering<'_>, ty: &Type, from: BufferIndex, to: BufferIndex) {
    if lowering.place(from) == lowering.place(to) {
        return;
    }
    let axes = [Axis { size: ty.elements(), from: 1, to: 1 }];
    push_copy(lowering, ty, &axes, Side::at(from, 0), Side::at(to, 0));
}

/// Where a block lies in the whole.
fn corner(whole: &Type, block: &Type, starts: BufferIndex) -> Corner {
    let room = whole.shape.iter().zip(block.shape.iter()).map(|(whole, block)| whole - block);
    Corner { starts, axes: room.zip(whole.shape.strides()).collect() }
}

/// The buffer of an argument as registers hold its numbers: bf16 and f16 are widened to f32 first.
fn widened(lowering: &mut Lowering<'_>, node: &Node<'_>, arg: usize) -> BufferIndex {
    let (elements, from) = (node.args[arg].elements(), node.arg(arg));
    let Some(function) = widening(node.args[arg].dtype) else { return from };
    let to = lowering.temporary(elements * size_of::<f32>());
    lowering.push(ConvertTask { function, from, from_width: 2, to, to_width: 4, elements });
    to
}

/// Where a half-width result is computed in f32; `None` for others.
fn wide_result(lowering: &mut Lowering<'_>, node: &Node<'_>) -> Option<BufferIndex> {
    narrowing(node.ty.dtype).map(|_| lowering.temporary(node.ty.elements() * size_of::<f32>()))
}

/// Brings a result computed in f32 into its own type.
fn narrow(lowering: &mut Lowering<'_>, node: &Node<'_>, wide: Option<BufferIndex>) {
    if let (Some(from), Some(function)) = (wide, narrowing(node.ty.dtype)) {
        let elements = node.ty.elements();
        lowering.push(ConvertTask { function, from, from_width: 4, to: node.out(), to_width: 2, elements });
    }
}
