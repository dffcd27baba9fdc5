//! Ops that find their elements by indices.

use cornu_ir::ops::{Gather, Scatter};

use super::Node;
use super::moved::copy_whole;
use crate::kernels::gather::{Picks, gather as gathered};
use crate::kernels::scatter::{self, Wires};
use crate::lower::Lowering;

pub(super) fn gather(lowering: &mut Lowering<'_>, node: &Node<'_>, op: &Gather) {
    let picks = Picks::new(node.args[0], node.args[1], op.axis, op.batch);
    let buffers = [node.arg(0), node.arg(1), node.out()];
    let (width, index) = (node.ty.dtype.bytes(), node.args[1].dtype);
    lowering.push(gathered(&picks, width, index, buffers, lowering.aligned));
}

pub(super) fn scatter(lowering: &mut Lowering<'_>, node: &Node<'_>, op: &Scatter) {
    copy_whole(lowering, node.ty, node.arg(0), node.out());
    let scatter = scatter::Scatter {
        kind: op.kind,
        picks: Picks::new(node.args[0], node.args[1], op.axis, op.batch),
        dtype: node.ty.dtype,
        index: node.args[1].dtype,
        aligned: lowering.aligned,
    };
    let wires = Wires { indices: node.arg(1), updates: node.arg(2), to: node.out() };
    for launch in scatter.launches(wires, &mut |bytes| lowering.temporary(bytes)) {
        lowering.push(launch);
    }
}
