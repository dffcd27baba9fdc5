//! Chains: steps that reduce the rows of one matrix, and compute with what comes of it, as one kernel.
//!
//! A softmax is planned as four steps: the largest of each row, the exponentials, their sum, the quotients. Each needs
//! of the one before only its own row. So one kernel may take row by row through all of them, if no step overwrites
//! what another one reads or writes of a different row.

use cornu_ir::plan::{BufferId, Kernel, Load, Plan, Step, View, ViewDim};

use crate::kernels::reduce::{self, Fold, Layout, Link};
use crate::lower::Lowering;
use crate::print::{Role, lanes};

/// The most steps of a chain, so that its kernel stays small enough to compile.
const MOST_STEPS: usize = 8;

/// A matrix whose rows are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rows {
    rows: usize,
    length: usize,
}

/// Lowers the chain that begins at the first of `steps`, and answers the steps after it; none if there is no chain.
pub(crate) fn lower_chain<'s>(lowering: &mut Lowering<'_>, steps: &'s [Step]) -> Option<&'s [Step]> {
    let matrix = Rows::reduced_by(steps.first()?, lowering.aligned)?;
    let count = matrix.chain(lowering.plan, steps);
    if count < 2 {
        return None;
    }
    let (chain, after) = steps.split_at(count);
    let links: Vec<Link> = chain.iter().filter_map(|step| matrix.link(lowering, step)).collect();
    lowering.push(reduce::chain(&links));
    Some(after)
}

/// What a step does with a buffer.
struct Access {
    buffer: BufferId,
    span: Span,
    writes: bool,
}

/// Which elements of a buffer belong to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    /// The row of the matrix.
    Row,
    /// The element with the number of the row.
    Element,
    /// Others.
    Other,
}

impl Rows {
    /// The matrix whose rows a step reduces, if they are so many that they are not cut into parts.
    fn reduced_by(step: &Step, aligned: bool) -> Option<Rows> {
        let Kernel::Reduce(kernel) = &step.kernel else { return None };
        let matrix = match kernel.axes.as_slice() {
            [kept, reduced] if !kept.reduced && reduced.reduced => {
                Rows { rows: kept.size, length: reduced.size }
            }
            _ => return None,
        };
        let is_whole = || Layout::new(&kernel.axes, lanes(&kernel.head, aligned), &kernel.head).parts() == 1;
        (matrix.rows > 1 && matrix.length > 1 && is_whole()).then_some(matrix)
    }

    /// How many of the steps are a chain.
    fn chain(self, plan: &Plan, steps: &[Step]) -> usize {
        let mut chain: Vec<Vec<Access>> = Vec::new();
        for step in steps.iter().take(MOST_STEPS) {
            let Some(accesses) = self.accesses(step) else { break };
            let known = |access: &Access| chain.iter().flatten().any(|other| other.buffer == access.buffer);
            let belongs = chain.is_empty() || accesses.iter().any(known);
            let may_join = chain.iter().flatten().all(|a| accesses.iter().all(|b| is_apart(plan, a, b)));
            if !belongs || !may_join {
                break;
            }
            chain.push(accesses);
        }
        chain.len()
    }

    /// What a step of a chain does with buffers; none if it can be no step of one.
    fn accesses(self, step: &Step) -> Option<Vec<Access>> {
        let read = |load: &Load, span: Span| Access { buffer: step.reads[load.read], span, writes: false };
        let write = |span: Span| step.writes.iter().map(move |&buffer| Access { buffer, span, writes: true });
        match &step.kernel {
            Kernel::Map(map) if map.elements == self.rows * self.length => {
                let reads = map.program.loads.iter().map(|load| read(load, self.span(&load.view)));
                Some(reads.chain(write(Span::Row)).collect())
            }
            Kernel::Reduce(kernel) if Rows::reduced_by(step, true) == Some(self) => {
                let head = kernel.head.loads.iter().map(|load| read(load, self.span(&load.view)));
                let of_result = |view: &View| if view.is_contiguous() { Span::Element } else { Span::Other };
                let tail = kernel.tail.loads.iter().map(|load| read(load, of_result(&load.view)));
                Some(head.chain(tail).chain(write(Span::Element)).collect())
            }
            Kernel::Map(_)
            | Kernel::Reduce(_)
            | Kernel::Dot(_)
            | Kernel::Loop(_)
            | Kernel::Branch(_)
            | Kernel::Op(_) => None,
        }
    }

    /// What a view of the whole matrix reads of a buffer.
    fn span(self, view: &View) -> Span {
        let Rows { rows, length } = self;
        let along = [ViewDim { size: rows, stride: 1 }, ViewDim { size: length, stride: 0 }];
        if view.is_contiguous() {
            Span::Row
        } else if view.offset == 0 && view.dims.as_slice() == along {
            Span::Element
        } else {
            Span::Other
        }
    }

    /// A step of a chain as a link of its kernel.
    fn link(self, lowering: &Lowering<'_>, step: &Step) -> Option<Link> {
        let layout =
            |program| Layout::of_rows(self.rows, self.length, lanes(program, lowering.aligned), program);
        match &step.kernel {
            Kernel::Reduce(kernel) => {
                let layout = layout(&kernel.head);
                let head = lowering.functor_of(&kernel.head, Role::Head, step, layout.lanes);
                let tail = lowering.functor_of(&kernel.tail, Role::Tail, step, 1);
                let fold = Fold::of(kernel.kind, kernel.dtype);
                Some(Link::Fold { layout, fold, head, tail })
            }
            Kernel::Map(map) => {
                let layout = layout(&map.program);
                let program = lowering.functor_of(&map.program, Role::Program, step, layout.lanes);
                Some(Link::Map { layout, program })
            }
            Kernel::Dot(_) | Kernel::Loop(_) | Kernel::Branch(_) | Kernel::Op(_) => None,
        }
    }
}

/// True if what two steps do with buffers can be done row by row: where one of them writes what the other uses, both
/// mean the same elements by a row.
fn is_apart(plan: &Plan, a: &Access, b: &Access) -> bool {
    let (x, y) = (&plan.buffers[a.buffer.index()], &plan.buffers[b.buffer.index()]);
    let is_same = x.place == y.place
        && x.ty.dtype.bytes() == y.ty.dtype.bytes()
        && a.span == b.span
        && a.span != Span::Other;
    !(a.writes || b.writes) || !plan.share_memory(a.buffer, b.buffer) || is_same
}

#[cfg(test)]
mod tests {
    use cornu_ir::passes::optimize;
    use cornu_ir::plan::plan;
    use cornu_ir::testing::cases;

    use crate::lower::lower;
    use crate::source::Source;

    fn launches(graph: &str) -> (usize, usize) {
        let cases = cases(graph).expect("a graph as text");
        let plan = plan(&optimize(&cases[0].graph));
        let lowered = lower(&plan, &mut Source::default(), "sm_80").expect("kernels for all of it");
        assert_eq!(lowered.ends.len(), plan.steps.len());
        (plan.steps.len(), lowered.works.len())
    }

    #[test]
    fn a_softmax_is_one_kernel() {
        let softmax = "graph softmax (%0: f32[8,5]) {
  %1: f32[8] = reduce %0 {kind=max, axes=[1]}
  %2: f32[8,5] = broadcast %1 {axes=[0]}
  %3: f32[8,5] = sub %0, %2
  %4: f32[8,5] = exp %3
  %5: f32[8] = reduce %4 {kind=sum, axes=[1]}
  %6: f32[8,5] = broadcast %5 {axes=[0]}
  %7: f32[8,5] = div %4, %6
  return %7
}
";
        assert_eq!(launches(softmax), (4, 1));
    }

    #[test]
    fn steps_that_look_at_other_rows_are_apart() {
        let centered = "graph centered (%0: f32[6,6]) {
  %1: f32[6] = reduce %0 {kind=sum, axes=[1]}
  %2: f32[6,6] = broadcast %1 {axes=[1]}
  %3: f32[6,6] = sub %0, %2
  return %3
}
";
        assert_eq!(launches(centered), (2, 2));
    }
}
