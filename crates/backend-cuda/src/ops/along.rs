//! Ops along axes: reductions, running totals, sorting.

use cornu_ir::DType;
use cornu_ir::ops::{ArgReduce, ArgSort, Cumulative};
use cornu_ir::plan::{Load, Program, ReduceAxis, ReduceKernel, Step, View};
use smallvec::SmallVec;

use super::Node;
use crate::kernels::cumulative::Running;
use crate::kernels::lines::Lines;
use crate::kernels::reduce::{self, Fold, Layout};
use crate::kernels::sort::{Runs, Sorting};
use crate::lower::Lowering;
use crate::print::{Role, lanes};

/// Lowers a reduction of numbers.
pub(crate) fn lower_reduce(lowering: &mut Lowering<'_>, kernel: &ReduceKernel, step: &Step) {
    let fold = Fold::of(kernel.kind, kernel.dtype);
    if kernel.results() > 0 {
        lower_fold(lowering, &fold, &kernel.axes, [&kernel.head, &kernel.tail], step);
    }
}

/// Lowers any fold of a head along axes: one kernel, or one for the totals of parts and one that joins them.
fn lower_fold(
    lowering: &mut Lowering<'_>,
    fold: &Fold,
    axes: &[ReduceAxis],
    [head, tail]: [&Program; 2],
    step: &Step,
) {
    let layout = Layout::new(axes, lanes(head, lowering.aligned), head);
    let head = lowering.functor_of(head, Role::Head, step, layout.lanes);
    let tail = lowering.functor_of(tail, Role::Tail, step, layout.lanes_of_tail());
    if layout.parts() == 1 {
        lowering.push(reduce::whole(&layout, fold, &head, &tail));
        return;
    }
    let totals = lowering.temporary(layout.totals() * fold.total_bytes());
    lowering.push(reduce::parts(&layout, fold, &head, totals));
    lowering.push(reduce::join(&layout, fold, totals, &tail));
}

/// Lowers the search of an extreme: the reduction of elements that know where they stand.
pub(super) fn lower_arg_reduce(lowering: &mut Lowering<'_>, op: &ArgReduce, node: &Node<'_>) {
    let x = node.args[0];
    let Lines { outer, length, inner } = Lines::new(&x.shape, op.axis);
    let kept = |size| ReduceAxis { size, reduced: false };
    let axes = [kept(outer), ReduceAxis { size: length, reduced: true }, kept(inner)];
    let load = Load { read: 0, dtype: x.dtype, view: View::contiguous(x.elements()) };
    let head = Program { loads: vec![load], stores: SmallVec::from_elem(0, 1), ..Program::default() };
    let fold = Fold::place(op.kind, x.dtype);
    lower_fold(lowering, &fold, &axes, [&head, &Program::identity(DType::I32)], node.step);
}

/// Lowers running totals.
pub(super) fn lower_cumulative(lowering: &mut Lowering<'_>, op: &Cumulative, node: &Node<'_>) {
    let running = Running::new(op, node.ty.dtype, &node.ty.shape);
    let totals = match running.bytes_of_totals() {
        0 => None,
        bytes => {
            let totals = lowering.temporary(bytes);
            lowering.push(running.totals(node.arg(0), totals));
            Some(totals)
        }
    };
    lowering.push(running.running(node.arg(0), totals, node.out()));
}

/// Lowers sorting: in shared memory, or run by run and then merge by merge.
pub(super) fn lower_arg_sort(lowering: &mut Lowering<'_>, op: &ArgSort, node: &Node<'_>) {
    let x = node.args[0];
    let sorting = Sorting::new(op, x.dtype, &x.shape);
    if sorting.is_short() {
        lowering.push(sorting.short(node.arg(0), node.out()));
        return;
    }
    let mut runs = || Runs {
        keys: lowering.temporary(sorting.key_bytes()),
        places: lowering.temporary(sorting.place_bytes()),
    };
    let (mut from, mut to) = (runs(), runs());
    lowering.push(sorting.sorted_runs(node.arg(0), from));
    let passes = sorting.passes();
    let Some((&last, earlier)) = passes.split_last() else {
        unreachable!("a line that is no run has more than one")
    };
    for &run in earlier {
        lowering.push(sorting.merged_runs(from, to, run));
        std::mem::swap(&mut from, &mut to);
    }
    lowering.push(sorting.merged_lines(from, node.out(), last));
}
