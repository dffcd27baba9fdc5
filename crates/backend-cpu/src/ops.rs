//! Lowering of single ops: one arm for each op of the language.

mod windowed;

use cornu_ir::DType;
use cornu_ir::error::BackendError;
use cornu_ir::op::Op;
use cornu_ir::plan::{Instruction, Load, Map, OpKernel, Plan, Program, Scalar, Step, View, ViewDim};
use cornu_ir::types::{Shape, Type};
use smallvec::{SmallVec, smallvec};

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
    args: SmallVec<[&'a Type; 3]>,
    ty: &'a Type,
    /// What is made of the result; the identity but for ops that slide.
    tail: &'a Program,
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

/// Lowers one op, if its buffers have the types that it takes and gives.
pub(crate) fn lower_op(
    lowering: &mut Lowering<'_>,
    kernel: &OpKernel,
    step: &Step,
) -> Result<(), BackendError> {
    let OpKernel { op, operands, result: ty, tail } = kernel;
    let name = op.rules().name();
    let buffers = &lowering.plan.buffers;
    let args = step.reads.get(..*operands).ok_or_else(|| broken(format!("`{name}` without arguments")))?;
    let args: SmallVec<[&Type; 3]> = args.iter().map(|id| &buffers[id.index()].ty).collect();
    match op.rules().infer(&args) {
        Ok(inferred) if inferred == *ty => {}
        Ok(inferred) => return Err(broken(format!("`{name}` gives {inferred}, not {ty}"))),
        Err(error) => return Err(broken(error.to_string())),
    }
    check_tail(lowering.plan, kernel, step)?;
    if ty.elements() == 0 {
        return Ok(());
    }
    lower_checked(lowering, op, &Node { step, args, ty, tail })
}

/// Checks that a tail goes on from what the op gives, and that there is none after an op that must have none: that
/// writes its result itself.
fn check_tail(plan: &Plan, kernel: &OpKernel, step: &Step) -> Result<(), BackendError> {
    let OpKernel { op, result, tail, .. } = kernel;
    let name = op.rules().name();
    if tail.root != Some(result.dtype) {
        return Err(broken(format!("a tail of `{name}` that does not take {}", result.dtype)));
    }
    if windowed::takes_tail(op) {
        return Ok(());
    }
    match step.writes.as_slice() {
        [only] if tail.is_identity() && plan.buffers[only.index()].ty == *result => Ok(()),
        _ => Err(broken(format!("`{name}` with a tail, or another result than {result}"))),
    }
}

/// Lowers an op whose types are right, and whose result has elements.
fn lower_checked(lowering: &mut Lowering<'_>, op: &Op, node: &Node<'_>) -> Result<(), BackendError> {
    match op {
        Op::Scan(_) | Op::Conditional(_) => Err(broken("a loop or branch outside a kernel of its own")),
        Op::Unary(unary) => elementwise(lowering, node, Scalar::Unary(*unary)),
        Op::Binary(binary) => elementwise(lowering, node, Scalar::Binary(*binary)),
        Op::Compare(compare) => elementwise(lowering, node, Scalar::Compare(*compare)),
        Op::Select(_) => elementwise(lowering, node, Scalar::Select),
        Op::Cast(_) => elementwise(lowering, node, Scalar::Cast),
        Op::Iota(iota) => {
            let (stride, size) = (node.ty.shape.strides()[iota.axis], node.ty.shape[iota.axis]);
            elementwise(lowering, node, Scalar::Iota { stride, size })
        }
        Op::Reshape(_) | Op::Detach(_) => view(lowering, node, 0, &node.ty.shape.strides()),
        Op::Broadcast(broadcast) => {
            let mut strides = vec![0; node.ty.shape.rank()];
            for (&axis, stride) in broadcast.axes.iter().zip(node.args[0].shape.strides()) {
                strides[axis] = stride;
            }
            view(lowering, node, 0, &strides)
        }
        Op::Slice(slice) => {
            let from = node.args[0].shape.strides();
            let offset = slice.start.iter().zip(&from).map(|(start, stride)| start * stride).sum();
            let strides: Vec<usize> =
                slice.step.iter().zip(&from).map(|(step, stride)| step * stride).collect();
            view(lowering, node, offset, &strides)
        }
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
        Op::Conv(_) | Op::ConvInputGrad(_) | Op::ConvKernelGrad(_) => windowed::convolve(lowering, op, node),
        Op::Window(_) | Op::WindowSpread(_) => windowed::pool(lowering, op, node),
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
        Op::Input(_) | Op::Dot(_) | Op::Reduce(_) => {
            Err(broken(format!("`{}` outside a kernel of its own kind", op.rules().name())))
        }
    }
}

/// An elementwise op is a map of one instruction.
fn elementwise(lowering: &mut Lowering<'_>, node: &Node<'_>, op: Scalar) -> Result<(), BackendError> {
    let elements = node.ty.elements();
    let load = |(read, ty): (usize, &&Type)| Load { read, dtype: ty.dtype, view: View::contiguous(elements) };
    let loads: Vec<Load> = node.args.iter().enumerate().map(load).collect();
    let instruction = Instruction { op, args: (0..loads.len()).collect(), dtype: node.ty.dtype };
    let stores = smallvec![loads.len()];
    let program = Program { root: None, loads, instructions: vec![instruction], stores };
    lowering.map(&Map { elements, program }, node.step)
}

/// A view of the argument is a map that stores what it loads.
fn view(
    lowering: &mut Lowering<'_>,
    node: &Node<'_>,
    offset: usize,
    strides: &[usize],
) -> Result<(), BackendError> {
    let dims = node.ty.shape.iter().zip(strides).map(|(&size, &stride)| ViewDim { size, stride });
    let load = Load { read: 0, dtype: node.ty.dtype, view: View::new(offset, dims) };
    let program = Program { root: None, loads: vec![load], instructions: Vec::new(), stores: smallvec![0] };
    lowering.map(&Map { elements: node.ty.elements(), program }, node.step)
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
