//! Narrowing: of a plan whose rows know nothing of each other, the plan for some of these rows.
//!
//! The body of a recurrent layer is one: a sample of the batch is a row, and what all rows read, such as weights, is
//! the same for each.

use cornu_ir::DType;
use cornu_ir::op::Op;
use cornu_ir::plan::{
    Buffer, BufferId, DotKernel, Kernel, Map, OpKernel, Place, Plan, Program, Scalar, Step, View, ViewDim,
};
use cornu_ir::types::Type;

/// The rows of a plan.
pub(crate) struct Rows<'a> {
    plan: &'a Plan,
    /// How many there are.
    count: usize,
    /// For each input that is not state whether it has those rows. If not, all rows see all of it; nobody knows it of
    /// an input that is not read.
    of_inputs: Vec<Option<bool>>,
}

impl<'a> Rows<'a> {
    /// The rows along the first axis of all state and all outputs, if what is computed for one depends on no other.
    pub(crate) fn of(plan: &'a Plan) -> Option<Rows<'a>> {
        let (state, inputs) = plan.inputs.split_at_checked(plan.state)?;
        let count = *state.first()?.shape.first()?;
        let has_rows = |ty: &Type| ty.shape.first() == Some(&count);
        if count < 2 || !state.iter().chain(&plan.outputs).all(has_rows) {
            return None;
        }
        let mut rows = Rows { plan, count, of_inputs: vec![None; inputs.len()] };
        plan.steps.iter().all(|step| rows.learn(step).is_some()).then_some(rows)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Bytes from one row to the next of an input that is not state; 0 if all rows see all of it.
    pub(crate) fn bytes_of_input(&self, index: usize) -> usize {
        let bytes = self.plan.inputs[self.plan.state + index].bytes() / self.count;
        if self.of_inputs[index] == Some(true) { bytes } else { 0 }
    }

    /// The products, and the inputs that are their right operands: each step's number, its kernel, and the input's.
    pub(crate) fn products(&self) -> impl Iterator<Item = (usize, &'a DotKernel, usize)> {
        let buffers = &self.plan.buffers;
        self.plan.steps.iter().enumerate().filter_map(|(number, step)| {
            let Kernel::Dot(dot) = &step.kernel else { return None };
            let Place::Input(input) = buffers[step.reads[1].index()].place else { return None };
            Some((number, dot, input))
        })
    }

    /// The plan for so many of them. The right operand of each product is a further input of the type that `right`
    /// gives for it, product after product.
    pub(crate) fn narrowed(&self, rows: usize, right: &[Type]) -> Plan {
        let mut plan = self.plan.clone();
        for (buffer, of) in plan.buffers.iter_mut().zip(&self.plan.buffers) {
            if self.has_rows(of.place) {
                buffer.ty = self.some(&of.ty, rows);
            }
        }
        for (index, ty) in plan.inputs.iter_mut().enumerate() {
            let input = index.checked_sub(plan.state);
            if input.is_none_or(|input| self.of_inputs[input] == Some(true)) {
                *ty = self.some(ty, rows);
            }
        }
        plan.outputs.iter_mut().for_each(|ty| *ty = self.some(ty, rows));
        for step in &mut plan.steps {
            self.narrow(&mut step.kernel, rows);
        }
        for ((number, ..), ty) in self.products().zip(right) {
            let place = Place::Input(plan.inputs.len() - plan.state);
            plan.inputs.push(ty.clone());
            plan.steps[number].reads[1] = BufferId(plan.buffers.len() as u32);
            plan.buffers.push(Buffer { ty: ty.clone(), place });
        }
        plan
    }

    /// Learns from a step which inputs have rows; `None` if its rows depend on each other, or nobody knows.
    fn learn(&mut self, step: &Step) -> Option<()> {
        let count = self.count;
        match &step.kernel {
            Kernel::Map(map) => self.learn_program(&map.program, step, map.elements),
            Kernel::Dot(dot) => {
                let DotKernel { batch, m, n, k, dtype, lhs_transposed, .. } = *dot;
                let are_rows = batch == 1 && m == count && !lhs_transposed && n > 1 && k > 0;
                if !are_rows || dtype != DType::F32 {
                    return None;
                }
                self.sees(*step.reads.first()?, true)?;
                self.sees(*step.reads.get(1)?, false)?;
                self.learn_program(&dot.tail, step, m * n)
            }
            Kernel::Op(OpKernel { op: Op::Concat(concat), operands, result, tail }) => {
                let is_along = concat.axis > 0 && result.shape.first() == Some(&count) && tail.is_identity();
                if !is_along {
                    return None;
                }
                step.reads.get(..*operands)?.iter().try_for_each(|&read| self.sees(read, true))
            }
            Kernel::Reduce(_) | Kernel::Loop(_) | Kernel::Branch(_) | Kernel::Op(_) => None,
        }
    }

    fn learn_program(&mut self, program: &Program, step: &Step, places: usize) -> Option<()> {
        let row = places / self.count;
        if row == 0 || !places.is_multiple_of(self.count) {
            return None;
        }
        for load in &program.loads {
            let id = *step.reads.get(load.read)?;
            let own = self.plan.buffers.get(id.index())?.ty.elements() / self.count;
            let (stride, within) = along_rows(&load.view, self.count)?;
            let reach = within.iter().map(|dim| dim.size.saturating_sub(1) * dim.stride);
            let end = load.view.offset + reach.sum::<usize>();
            match stride {
                0 => self.sees(id, false)?,
                _ if stride == own && end < own => self.sees(id, true)?,
                _ => return None,
            }
        }
        let is_in_row = |op: &Scalar| match op {
            Scalar::Iota { stride, size } => row.is_multiple_of(stride * size),
            Scalar::Constant(_) | Scalar::Unary(_) | Scalar::Binary(_) => true,
            Scalar::Compare(_) | Scalar::Select | Scalar::Cast => true,
        };
        program.instructions.iter().all(|instruction| is_in_row(&instruction.op)).then_some(())
    }

    /// Notes that each row sees its own row of a buffer, or all rows see all of it; `None` if that cannot be.
    fn sees(&mut self, id: BufferId, own: bool) -> Option<()> {
        let buffer = self.plan.buffers.get(id.index())?;
        let fits = !own || buffer.ty.elements().is_multiple_of(self.count);
        let known = match buffer.place {
            Place::Input(index) => *self.of_inputs.get_mut(index)?.get_or_insert(own),
            Place::State(_) | Place::Output(_) | Place::Arena(_) | Place::Constant(_) => {
                self.has_rows(buffer.place)
            }
        };
        (fits && known == own).then_some(())
    }

    fn has_rows(&self, place: Place) -> bool {
        match place {
            Place::State(_) | Place::Output(_) | Place::Arena(_) => true,
            Place::Input(index) => self.of_inputs[index] == Some(true),
            Place::Constant(_) => false,
        }
    }

    /// The type of some rows of a buffer.
    fn some(&self, ty: &Type, rows: usize) -> Type {
        let axis = ty.shape.iter().position(|&size| size != 1).unwrap_or(0);
        match ty.shape.get(axis) {
            Some(&size) if size == self.count => ty.with_shape(ty.shape.with(axis, rows)),
            Some(_) | None => ty.with_shape([rows, ty.elements() / self.count]),
        }
    }

    fn narrow(&self, kernel: &mut Kernel, rows: usize) {
        match kernel {
            Kernel::Map(Map { elements, program }) => {
                *elements = *elements / self.count * rows;
                self.narrow_program(program, rows);
            }
            Kernel::Dot(dot) => {
                dot.m = rows;
                self.narrow_program(&mut dot.tail, rows);
            }
            Kernel::Op(op) => op.result = self.some(&op.result, rows),
            Kernel::Reduce(_) | Kernel::Loop(_) | Kernel::Branch(_) => {
                unreachable!("a plan with such a kernel has no rows")
            }
        }
    }

    fn narrow_program(&self, program: &mut Program, rows: usize) {
        for load in &mut program.loads {
            let (stride, within) = along_rows(&load.view, self.count).expect("as when it was learned");
            let rows = ViewDim { size: rows, stride };
            load.view = View::new(load.view.offset, std::iter::once(rows).chain(within));
        }
    }
}

/// A view of `count` rows: elements from one row to the next, and the axes within a row. `None` if rows do not follow
/// each other at one distance.
fn along_rows(view: &View, count: usize) -> Option<(usize, Vec<ViewDim>)> {
    let (first, rest) = view.dims.split_first()?;
    if !first.size.is_multiple_of(count) {
        return None;
    }
    let inner = ViewDim { size: first.size / count, stride: first.stride };
    let within = std::iter::once(inner).filter(|dim| dim.size > 1).chain(rest.iter().copied());
    Some((inner.size * inner.stride, within.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cornu_ir::derived::{Loop, Step as Turn, along_time};
    use cornu_ir::passes::optimize;
    use cornu_ir::plan::{LoopKernel, plan};
    use cornu_ir::{Builder, Expr};

    /// The body of a loop over two steps of `[32, 4]`.
    fn body(next: impl for<'b> Fn(Expr<'b>, Expr<'b>, Expr<'b>) -> Expr<'b>) -> Plan {
        let b = Builder::new();
        let input = |shape: &[usize]| b.input("x", Type::new(DType::F32, shape));
        let (first, all, weights) = (input(&[32, 4]), input(&[2, 32, 4]), input(&[4, 4]));
        let steps = Loop { length: 2, reverse: false, carries: vec![first], sequences: vec![all] };
        let (_, results) = along_time(&b, steps, |carries, slices| {
            let next = next(carries[0], slices[0], weights);
            Turn { carries: vec![next], results: vec![next] }
        });
        let plan = plan(&optimize(&b.finish(&results).unwrap()));
        let body = |kernel: Kernel| {
            if let Kernel::Loop(LoopKernel { body, .. }) = kernel { Some(body) } else { None }
        };
        plan.steps.into_iter().find_map(|step| body(step.kernel)).expect("a loop")
    }

    #[test]
    fn rows_that_are_apart_can_be_cut() {
        let plan = body(|carry, slice, weights| (carry.matmul(weights) + slice).tanh());
        let rows = Rows::of(&plan).expect("each sample is by itself");
        assert_eq!(rows.count(), 32);
        let narrowed = rows.narrowed(8, &[Type::new(DType::F32, [128])]);
        assert_eq!(narrowed.inputs[0], Type::new(DType::F32, [8, 4]));
        assert!(narrowed.to_string().contains("dot[1x 8x4 4x4]"), "{narrowed}");
        let strides: Vec<usize> =
            (0..plan.inputs.len() - 1).map(|input| rows.bytes_of_input(input)).collect();
        assert_eq!(strides, [16, 0], "a slice has rows, and weights have none");
    }

    #[test]
    fn rows_that_see_each_other_cannot() {
        let plan = body(|carry, slice, _| carry + slice * carry.sum_all().broadcast_leading(&carry.shape()));
        assert!(Rows::of(&plan).is_none());
        let plan = body(|carry, slice, _| slice + carry.reverse(&[0]));
        assert!(Rows::of(&plan).is_none());
    }
}
