//! Single ops that are a kernel of another kind in disguise, so that backends need no second form of that kernel.

use smallvec::smallvec;

use super::{DotKernel, Instruction, Load, Map, OpKernel, Program, Scalar, View, ViewDim};
use crate::op::Op;
use crate::ops::{ConvSizes, Sliding};
use crate::types::{DType, Type};

impl OpKernel {
    /// The map that an elementwise op or a view of one argument is; `None` for other ops.
    pub fn as_map(&self, args: &[&Type]) -> Option<Map> {
        let strides = self.result.shape.strides();
        match &self.op {
            Op::Unary(unary) => Some(self.elementwise(args, Scalar::Unary(*unary))),
            Op::Binary(binary) => Some(self.elementwise(args, Scalar::Binary(*binary))),
            Op::Compare(compare) => Some(self.elementwise(args, Scalar::Compare(*compare))),
            Op::Select(_) => Some(self.elementwise(args, Scalar::Select)),
            Op::Cast(_) => Some(self.elementwise(args, Scalar::Cast)),
            Op::Iota(iota) => {
                let (stride, size) = (strides[iota.axis], self.result.shape[iota.axis]);
                Some(self.elementwise(args, Scalar::Iota { stride, size }))
            }
            Op::Reshape(_) | Op::Detach(_) => Some(self.view(0, &strides)),
            Op::Broadcast(broadcast) => {
                let mut along = vec![0; self.result.shape.rank()];
                for (&axis, stride) in broadcast.axes.iter().zip(args[0].shape.strides()) {
                    along[axis] = stride;
                }
                Some(self.view(0, &along))
            }
            Op::Slice(slice) => {
                let from = args[0].shape.strides();
                let offset = slice.start.iter().zip(&from).map(|(start, stride)| start * stride).sum();
                let along: Vec<usize> =
                    slice.step.iter().zip(&from).map(|(step, stride)| step * stride).collect();
                Some(self.view(offset, &along))
            }
            Op::Input(_) | Op::Constant(_) | Op::RandomBits(_) | Op::Dot(_) | Op::Reduce(_) => None,
            Op::ArgReduce(_) | Op::Cumulative(_) | Op::ArgSort(_) | Op::Scan(_) | Op::Conditional(_) => None,
            Op::Transpose(_) | Op::Pad(_) | Op::Concat(_) | Op::Reverse(_) => None,
            Op::Conv(_) | Op::ConvInputGrad(_) | Op::ConvKernelGrad(_) => None,
            Op::Window(_) | Op::WindowArgMax(_) | Op::WindowSpread(_) => None,
            Op::Gather(_) | Op::Scatter(_) | Op::DynamicSlice(_) | Op::DynamicUpdate(_) => None,
        }
    }

    /// The product of matrices that a convolution with a single tap at each element is; `None` for other ops.
    pub fn as_dot(&self, args: &[&Type]) -> Option<DotKernel> {
        let (sizes, sliding) = self.convolution(args)?;
        if sizes.groups != 1 || !sliding.is_pointwise(&sizes.taps) {
            return None;
        }
        let ConvSizes { channels, filters, .. } = sizes;
        let rows = sizes.batch * sizes.places.elements();
        let rhs_transposed = matches!(self.op, Op::ConvInputGrad(_));
        let lhs_transposed = matches!(self.op, Op::ConvKernelGrad(_));
        let [m, n, k] = match (lhs_transposed, rhs_transposed) {
            (true, _) => [channels, filters, rows],
            (false, true) => [rows, channels, filters],
            (false, false) => [rows, filters, channels],
        };
        let (dtype, tail) = (self.result.dtype, self.tail.clone());
        Some(DotKernel { batch: 1, m, n, k, dtype, lhs_transposed, rhs_transposed, tail })
    }

    /// The sizes of a convolution in any of its three forms, and how its kernel moves; `None` for other ops.
    pub fn convolution(&self, args: &[&Type]) -> Option<(ConvSizes, &Sliding)> {
        if let Op::Conv(op) = &self.op {
            Some((op.sizes(&args[0].shape, &args[1].shape)?, &op.sliding))
        } else if let Op::ConvInputGrad(op) = &self.op {
            Some((op.sizes(args[0], args[1])?, &op.conv.sliding))
        } else if let Op::ConvKernelGrad(op) = &self.op {
            Some((op.sizes(args[0], args[1])?, &op.conv.sliding))
        } else {
            None
        }
    }

    /// A map of one instruction.
    fn elementwise(&self, args: &[&Type], op: Scalar) -> Map {
        let elements = self.result.elements();
        let load = |(read, ty): (usize, &&Type)| {
            let dtype: DType = ty.dtype;
            Load { read, dtype, view: View::contiguous(elements) }
        };
        let loads: Vec<Load> = args.iter().enumerate().map(load).collect();
        let instruction = Instruction { op, args: (0..loads.len()).collect(), dtype: self.result.dtype };
        let stores = smallvec![loads.len()];
        Map { elements, program: Program { root: None, loads, instructions: vec![instruction], stores } }
    }

    /// A map that stores what it loads.
    fn view(&self, offset: usize, strides: &[usize]) -> Map {
        let dims = self.result.shape.iter().zip(strides).map(|(&size, &stride)| ViewDim { size, stride });
        let load = Load { read: 0, dtype: self.result.dtype, view: View::new(offset, dims) };
        let program =
            Program { root: None, loads: vec![load], instructions: Vec::new(), stores: smallvec![0] };
        Map { elements: self.result.elements(), program }
    }
}
