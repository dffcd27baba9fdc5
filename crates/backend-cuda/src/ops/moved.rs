//! Ops that only move elements: boxes of one shape, copied between strides.

use cornu_ir::ops::{Concat, Constant, Pad, Reverse, Transpose};
use cornu_ir::types::{Shape, Type};

use super::Node;
use crate::kernels::copy::{self, Axis, Corner, PaddedAxis, Side};
use crate::launch::BufferIndex;
use crate::lower::Lowering;

pub(super) fn transpose(lowering: &mut Lowering<'_>, node: &Node<'_>, op: &Transpose) {
    let (from, to) = (node.args[0].shape.strides(), node.ty.shape.strides());
    let axes = axes(&node.ty.shape, op.order.iter().map(|&axis| from[axis] as isize), &to);
    push_copy(lowering, node.ty, &axes, &Side::at(node.arg(0), 0), &Side::at(node.out(), 0));
}

pub(super) fn reverse(lowering: &mut Lowering<'_>, node: &Node<'_>, op: &Reverse) {
    let (shape, strides) = (&node.ty.shape, node.ty.shape.strides());
    let start = op.axes.iter().map(|&axis| (shape[axis] - 1) * strides[axis]).sum();
    let sign = |axis: usize| if op.axes.contains(&axis) { -1 } else { 1 };
    let axes = axes(shape, (0..strides.len()).map(|axis| strides[axis] as isize * sign(axis)), &strides);
    push_copy(lowering, node.ty, &axes, &Side::at(node.arg(0), start), &Side::at(node.out(), 0));
}

pub(super) fn pad(lowering: &mut Lowering<'_>, node: &Node<'_>, op: &Pad) {
    let sizes = node.args[0].shape.iter().zip(node.ty.shape.iter()).zip(op.low.iter().zip(&op.interior[..]));
    let axes: Vec<PaddedAxis> = sizes
        .map(|((&size, &padded), (&low, &between))| PaddedAxis { size, padded, low, step: between + 1 })
        .collect();
    let buffers = [node.arg(0), node.arg(1), node.out()];
    lowering.push(copy::pad(node.ty.dtype.bytes(), &axes, buffers, lowering.aligned));
}

/// One copy for each part.
pub(super) fn concat(lowering: &mut Lowering<'_>, node: &Node<'_>, op: &Concat) {
    let to = node.ty.shape.strides();
    let mut start = 0;
    for (index, part) in node.args.iter().enumerate() {
        let axes = axes(&part.shape, signed(&part.shape.strides()), &to);
        push_copy(lowering, part, &axes, &Side::at(node.arg(index), 0), &Side::at(node.out(), start));
        start += part.shape[op.axis] * to[op.axis];
    }
}

pub(super) fn dynamic_slice(lowering: &mut Lowering<'_>, node: &Node<'_>) {
    let (whole, block) = (node.args[0], node.ty);
    let axes = axes(&block.shape, signed(&whole.shape.strides()), &block.shape.strides());
    let corner = corner(whole, block, node.arg(1));
    let from = Side { corner: Some(corner), ..Side::at(node.arg(0), 0) };
    push_copy(lowering, block, &axes, &from, &Side::at(node.out(), 0));
}

pub(super) fn dynamic_update(lowering: &mut Lowering<'_>, node: &Node<'_>) {
    let (whole, block) = (node.ty, node.args[1]);
    copy_whole(lowering, whole, node.arg(0), node.out());
    let axes = axes(&block.shape, signed(&block.shape.strides()), &whole.shape.strides());
    let corner = corner(whole, block, node.arg(2));
    let to = Side { corner: Some(corner), ..Side::at(node.out(), 0) };
    push_copy(lowering, block, &axes, &Side::at(node.arg(1), 0), &to);
}

pub(super) fn constant(lowering: &mut Lowering<'_>, node: &Node<'_>, op: &Constant) {
    let from = lowering.constant(op.0.clone());
    copy_whole(lowering, node.ty, from, node.out());
}

/// Copies everything, unless it lies there already.
pub(super) fn copy_whole(lowering: &mut Lowering<'_>, ty: &Type, from: BufferIndex, to: BufferIndex) {
    if lowering.place(from) != lowering.place(to) && ty.elements() > 0 {
        lowering.push(copy::whole(ty, from, to, lowering.aligned));
    }
}

/// Copies a box, if it has elements.
fn push_copy(lowering: &mut Lowering<'_>, ty: &Type, axes: &[Axis], from: &Side, to: &Side) {
    if ty.elements() > 0 {
        lowering.push(copy::copy(ty.dtype.bytes(), axes, from, to, lowering.aligned));
    }
}

/// The axes of a copied box of this shape.
fn axes(shape: &Shape, from: impl IntoIterator<Item = isize>, to: &[usize]) -> Vec<Axis> {
    let strides = from.into_iter().zip(to);
    shape.iter().zip(strides).map(|(&size, (from, &to))| Axis { size, from, to: to as isize }).collect()
}

fn signed(strides: &[usize]) -> impl Iterator<Item = isize> {
    strides.iter().map(|&stride| stride as isize)
}

/// Where a block lies in the whole.
fn corner(whole: &Type, block: &Type, starts: BufferIndex) -> Corner {
    let room = whole.shape.iter().zip(block.shape.iter()).map(|(whole, block)| whole - block);
    Corner { starts, axes: room.zip(whole.shape.strides()).collect() }
}
