//! Windows.

use cornu_ir::ops::{WindowKind, Windows};

use super::Node;
use crate::kernels::pool::{Pool, Side};
use crate::lower::Lowering;
use crate::print::{Role, lanes_of};

fn pool(lowering: &Lowering<'_>, windows: &Windows, side: Side, node: &Node<'_>) -> Pool {
    let lanes = lanes_of([node.args[0].dtype], lowering.aligned);
    Pool::new(windows, side, node.args[0], node.ty, lanes)
}

/// Lowers windows that are summed up or of which the largest element is wanted, and sums spread over windows.
pub(super) fn lower_window(
    lowering: &mut Lowering<'_>,
    kind: WindowKind,
    windows: &Windows,
    side: Side,
    node: &Node<'_>,
) {
    let pool = pool(lowering, windows, side, node);
    let tail = lowering.functor_of(&node.kernel.tail, Role::Tail, node.step, pool.lanes);
    lowering.push(pool.folded(kind, node.arg(0), &tail));
}

/// Lowers the search of the largest element of each window.
pub(super) fn lower_window_arg_max(lowering: &mut Lowering<'_>, windows: &Windows, node: &Node<'_>) {
    let pool = pool(lowering, windows, Side::Windows, node);
    lowering.push(pool.arg_max(node.arg(0), node.out()));
}
