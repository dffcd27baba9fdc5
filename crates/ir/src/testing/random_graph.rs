//! Random programs: well typed, over many ops, with small and ragged shapes.
//!
//! Results of ops that round never reach an op with jumps (`floor`, a comparison, a sort), where another rounding would
//! give quite another result; and numbers stay of moderate size. So whatever keeps a program's meaning keeps its
//! numbers, up to [`super::tolerances`].

mod branches;
mod windows;

use super::draw::Draw;
use crate::builder::Builder;
use crate::expr::Expr;
use crate::graph::Graph;
use crate::op::Exactness;
use crate::ops::{ArgReduction, Binary, Compare, Dot, Reduction, Scatter, ScatterKind, Unary};
use crate::types::{DType, Shape, Type};

/// Sizes that axes have; 0 comes in rarely.
const SIZES: [usize; 5] = [1, 2, 3, 5, 8];
/// Values with more elements are not made.
const MOST_ELEMENTS: usize = 2048;
/// Floats beyond this are not made. Half precision ends at 65504.
const LARGEST: f64 = 1e4;
/// How large the inputs may be: what [`super::random_inputs`] draws.
const LARGEST_INPUT: f64 = 12.0;

/// The program of this seed.
pub fn random_graph(seed: u64) -> Graph {
    let b = Builder::new();
    let mut garden = Garden { b: &b, draw: Draw::new(seed), values: Vec::new() };
    for _ in 0..2 + garden.draw.below(3) {
        let ty = garden.draw.ty();
        garden.input(ty);
    }
    let wanted = garden.values.len() + 2 + garden.draw.below(24);
    for _ in 0..wanted * 4 {
        if garden.values.len() >= wanted {
            break;
        }
        garden.grow();
    }
    garden.harvest()
}

/// A value, and what the ops ahead need to know of it.
#[derive(Clone, Copy)]
struct Grown<'b> {
    expr: Expr<'b>,
    /// No op before it rounds.
    exact: bool,
    /// No element is larger than this in absolute value, if it is a float.
    bound: f64,
}

struct Garden<'b> {
    b: &'b Builder,
    draw: Draw,
    values: Vec<Grown<'b>>,
}

impl Draw {
    fn shape(&mut self, rank: usize) -> Shape {
        (0..rank).map(|_| if self.once_in(60) { 0 } else { self.one(&SIZES) }).collect()
    }

    fn ty(&mut self) -> Type {
        use DType::{BF16, Bool, F16, F32, F64, I32, I64, U8, U32};
        let dtype = self.one(&[
            F32, F32, F32, F32, F32, F32, F32, F32, F32, F64, BF16, F16, I32, I32, I64, U8, U32, Bool,
        ]);
        let rank = self.below(4);
        Type::new(dtype, self.shape(rank))
    }
}

impl<'b> Garden<'b> {
    fn input(&mut self, ty: Type) -> Grown<'b> {
        let grown = Grown { expr: self.b.input("", ty), exact: true, bound: LARGEST_INPUT };
        self.values.push(grown);
        grown
    }

    /// Any value so far.
    fn any(&mut self) -> Grown<'b> {
        let values = &self.values;
        // Later values more often, so that programs grow deep.
        let place = self.draw.below(values.len()).max(self.draw.below(values.len()));
        values[place]
    }

    /// A value of the same type: one there is, or this one in another order, or a number.
    fn partner(&mut self, x: Grown<'b>) -> Grown<'b> {
        let ty = x.expr.ty();
        let same: Vec<Grown<'b>> =
            self.values.iter().copied().filter(|value| value.expr.ty() == ty).collect();
        match self.draw.below(4) {
            0 => Grown { expr: x.expr.full_like(2.0), exact: true, bound: 2.0 },
            1 if ty.shape.rank() > 0 => Grown { expr: x.expr.reverse(&[0]), ..x },
            _ => self.draw.one(&same),
        }
    }

    /// Keeps a value. Whether it is exact follows from the op and the values it was made from.
    fn keep(&mut self, expr: Expr<'b>, from: &[Grown<'b>], bound: f64) {
        let ty = expr.ty();
        let rounds = ty.dtype.is_float() && expr.node().op.rules().exactness() == Exactness::Rounding;
        if ty.elements() <= MOST_ELEMENTS && bound <= LARGEST {
            self.values.push(Grown { expr, exact: !rounds && from.iter().all(|value| value.exact), bound });
        }
    }

    /// Tries to make one more value.
    fn grow(&mut self) {
        let x = self.any();
        let (is_float, rank) = (x.expr.dtype().is_float(), x.expr.rank());
        match self.draw.below(27) {
            0 | 1 if is_float => self.smooth(x),
            2 if is_float => self.jumpy(x),
            0..=2 => self.whole(x),
            3 | 4 => self.binary(x),
            5 => self.compare(x),
            6 => self.select(x),
            7 => self.cast(x),
            8 => self.reshape(x),
            9 => self.transpose(x),
            10 => self.broadcast(x),
            11 | 12 if rank > 0 => self.part(x),
            13 => self.pad(x),
            14 if rank > 0 => self.concat(x),
            15 if rank > 0 => self.keep(x.expr.reverse(&[rank - 1]), &[x], x.bound),
            16 => self.reduce(x),
            17 if rank > 0 => self.cumulative(x),
            18 if rank > 0 => self.search(x),
            19 | 20 => self.dot(x),
            21 if rank > 0 => self.gather(x),
            22 if rank > 0 => self.dynamic(x),
            23 => self.leaf(),
            24 if is_float && rank > 1 => self.conv(x),
            25 if is_float && rank > 1 => self.window(x),
            26 => self.conditional(x),
            _ => {}
        }
    }

    fn smooth(&mut self, x: Grown<'b>) {
        let e = x.expr;
        let (made, bound) = match self.draw.below(10) {
            0 => (e.tanh(), 1.0),
            1 => (e.logistic(), 1.0),
            2 => (e.erf(), 1.0),
            3 if x.bound <= 20.0 => (e.sin(), 1.0),
            4 if x.bound <= 20.0 => (e.cos(), 1.0),
            5 => (e.min(e.number(3.0)).exp(), 21.0),
            6 => ((e.abs() + 0.5).log(), 12.0),
            7 => ((e.abs() + 0.5).rsqrt(), 1.5),
            8 => ((e.abs() + 0.5).sqrt(), x.bound + 1.0),
            _ => (-e, x.bound),
        };
        self.keep_rounded(made, &[x], bound);
    }

    /// Keeps the result of several ops, one of which rounds.
    fn keep_rounded(&mut self, expr: Expr<'b>, from: &[Grown<'b>], bound: f64) {
        let inexact = from.iter().map(|value| Grown { exact: false, ..*value });
        self.keep(expr, &inexact.collect::<Vec<_>>(), bound);
    }

    fn jumpy(&mut self, x: Grown<'b>) {
        if x.exact {
            let op = self.draw.one(&[Unary::Sign, Unary::Floor, Unary::Ceil, Unary::Round]);
            self.keep(self.b.apply(op, &[x.expr]), &[x], x.bound + 1.0);
        }
    }

    fn whole(&mut self, x: Grown<'b>) {
        let op = match x.expr.dtype() {
            DType::Bool => Unary::Not,
            _ => self.draw.one(&[Unary::Not, Unary::Neg, Unary::Abs, Unary::Sign]),
        };
        self.keep(self.b.apply(op, &[x.expr]), &[x], x.bound);
    }

    fn binary(&mut self, x: Grown<'b>) {
        use Binary::{Add, And, Div, Max, Min, Mul, Or, Rem, Shl, Shr, Sub, Xor};
        let y = self.partner(x);
        let op = match x.expr.dtype() {
            DType::F32 | DType::F64 | DType::BF16 | DType::F16 => {
                self.draw.one(&[Add, Sub, Mul, Div, Max, Min])
            }
            DType::I32 | DType::I64 | DType::U8 | DType::U32 => {
                self.draw.one(&[Add, Sub, Mul, Div, Rem, Max, Min, And, Or, Xor, Shl, Shr])
            }
            DType::Bool => self.draw.one(&[Max, Min, And, Or, Xor]),
        };
        if op == Div && x.expr.dtype().is_float() {
            return self.keep_rounded(x.expr / (y.expr.abs() + 0.5), &[x, y], x.bound * 2.0);
        }
        let bound = if op == Mul { x.bound * y.bound } else { x.bound + y.bound };
        self.keep(self.b.apply(op, &[x.expr, y.expr]), &[x, y], bound);
    }

    fn compare(&mut self, x: Grown<'b>) {
        let y = self.partner(x);
        if x.exact && y.exact {
            let op = self.draw.one(&Compare::ALL);
            self.keep(self.b.apply(op, &[x.expr, y.expr]), &[x, y], 1.0);
        }
    }

    fn select(&mut self, x: Grown<'b>) {
        let y = self.partner(x);
        let wanted = x.expr.ty().with_dtype(DType::Bool);
        let condition = self.values.iter().copied().find(|value| value.expr.ty() == wanted);
        let condition = condition.unwrap_or_else(|| self.input(wanted));
        self.keep(condition.expr.select(x.expr, y.expr), &[condition, x, y], x.bound.max(y.bound));
    }

    fn cast(&mut self, x: Grown<'b>) {
        let dtype = self.draw.one(&DType::ALL);
        // Whole numbers and half precision may be of any size, and small differences jump.
        let from = x.expr.dtype();
        let tame = if from.is_float() {
            x.exact || dtype.is_float()
        } else {
            from == DType::U8 || from == DType::Bool
        };
        if tame || !dtype.is_float() && !from.is_float() {
            self.keep(x.expr.cast(dtype), &[x], if from == DType::U8 { 255.0 } else { x.bound });
        }
    }

    fn reshape(&mut self, x: Grown<'b>) {
        let shape = x.expr.shape();
        let rank = shape.rank();
        let made = match self.draw.below(3) {
            0 => x.expr.reshape([shape.elements()]),
            1 => x.expr.expand(self.draw.below(rank + 1)),
            _ if rank >= 2 => {
                let joined = std::iter::once(shape[0] * shape[1]).chain(shape[2..].iter().copied());
                x.expr.reshape(joined.collect::<Shape>())
            }
            _ => return,
        };
        if made.rank() <= 4 {
            self.keep(made, &[x], x.bound);
        }
    }

    fn transpose(&mut self, x: Grown<'b>) {
        let mut order: Vec<usize> = (0..x.expr.rank()).collect();
        for axis in (1..order.len()).rev() {
            order.swap(axis, self.draw.below(axis + 1));
        }
        self.keep(x.expr.transpose(&order), &[x], x.bound);
    }

    fn broadcast(&mut self, x: Grown<'b>) {
        let mut shape = x.expr.shape().to_vec();
        if shape.len() > 3 {
            return;
        }
        let place = self.draw.below(shape.len() + 1);
        shape.insert(place, self.draw.one(&SIZES));
        let axes: Vec<usize> = (0..shape.len()).filter(|&axis| axis != place).collect();
        self.keep(x.expr.broadcast(shape, &axes), &[x], x.bound);
    }

    /// A slice.
    fn part(&mut self, x: Grown<'b>) {
        let shape = x.expr.shape();
        let start: Vec<usize> = shape.iter().map(|&size| self.draw.below(size.div_ceil(2).max(1))).collect();
        let stop: Vec<usize> = shape
            .iter()
            .zip(&start)
            .map(|(&size, start)| size - self.draw.below((size - start).div_ceil(2).max(1)))
            .collect();
        let step: Vec<usize> = shape.iter().map(|_| self.draw.one(&[1, 1, 2, 3])).collect();
        self.keep(x.expr.slice(&start, &stop, &step), &[x], x.bound);
    }

    fn pad(&mut self, x: Grown<'b>) {
        let rank = x.expr.rank();
        let mut few = || -> Vec<usize> { (0..rank).map(|_| self.draw.one(&[0, 0, 1, 2])).collect() };
        let (low, high, interior) = (few(), few(), few());
        self.keep(x.expr.pad(x.expr.number(1.0), &low, &high, &interior), &[x], x.bound.max(1.0));
    }

    fn concat(&mut self, x: Grown<'b>) {
        let (y, axis) = (self.partner(x), self.draw.below(x.expr.rank()));
        self.keep(Expr::concat(&[x.expr, y.expr, x.expr], axis), &[x, y], x.bound.max(y.bound));
    }

    /// A way to combine many elements that keeps them of moderate size.
    fn reduction(&mut self, x: Grown<'b>, elements: usize) -> (Reduction, f64) {
        let kind = match x.expr.dtype() {
            DType::Bool => self.draw.one(&[Reduction::Max, Reduction::Min]),
            _ => self.draw.one(&Reduction::ALL),
        };
        let bound = match kind {
            Reduction::Sum => x.bound * elements as f64,
            Reduction::Prod => x.bound.max(1.0).powf(elements as f64),
            // Of no elements, the extreme is infinite.
            Reduction::Max | Reduction::Min => {
                if elements == 0 {
                    f64::INFINITY
                } else {
                    x.bound
                }
            }
        };
        (kind, if x.expr.dtype().is_float() { bound } else { x.bound })
    }

    fn reduce(&mut self, x: Grown<'b>) {
        let shape = x.expr.shape();
        let axes: Vec<usize> = (0..shape.rank()).filter(|_| self.draw.once_in(2)).collect();
        let (kind, bound) = self.reduction(x, axes.iter().map(|&axis| shape[axis]).product());
        self.keep(x.expr.reduce(kind, &axes), &[x], bound);
    }

    fn cumulative(&mut self, x: Grown<'b>) {
        let axis = self.draw.below(x.expr.rank());
        let (kind, bound) = self.reduction(x, x.expr.shape()[axis].max(1));
        let reverse = self.draw.once_in(2);
        self.keep(x.expr.cumulative(kind, axis, reverse), &[x], bound);
    }

    /// An index of an element by its rank among the others.
    fn search(&mut self, x: Grown<'b>) {
        let axis = self.draw.below(x.expr.rank());
        let size = x.expr.shape()[axis];
        if !x.exact || size == 0 {
            return;
        }
        let kind = self.draw.one(&[ArgReduction::Max, ArgReduction::Min]);
        let (descending, count) = (self.draw.once_in(2), 1 + self.draw.below(size));
        let made = if self.draw.once_in(2) {
            x.expr.arg_reduce(kind, axis)
        } else {
            x.expr.arg_sort(axis, descending, count)
        };
        self.keep(made, &[x], LARGEST);
    }

    /// A product with another value of the same element type, over one axis of one size; with itself if need be.
    fn dot(&mut self, x: Grown<'b>) {
        let y = self.any();
        let y = if y.expr.dtype() == x.expr.dtype() { y } else { x };
        let (left, right) = (x.expr.shape(), y.expr.shape());
        let pairs = (0..left.rank()).flat_map(|i| (0..right.rank()).map(move |j| (i, j)));
        let pairs: Vec<(usize, usize)> = pairs.filter(|&(i, j)| left[i] == right[j]).collect();
        if pairs.is_empty() || x.expr.dtype() == DType::Bool || left.rank() + right.rank() > 5 {
            return;
        }
        let (i, j) = self.draw.one(&pairs);
        let batch: Vec<(usize, usize)> =
            pairs.into_iter().filter(|&(k, l)| k != i && l != j).take(1).collect();
        let batch = if self.draw.once_in(2) { batch } else { Vec::new() };
        let (lhs_batch, rhs_batch): (Vec<usize>, Vec<usize>) = batch.into_iter().unzip();
        if left.elements() * right.elements() > MOST_ELEMENTS * left[i].max(1) {
            return;
        }
        let bound = if x.expr.dtype().is_float() { x.bound * y.bound * left[i] as f64 } else { x.bound };
        self.keep(
            x.expr.dot(y.expr, Dot::contracting([i], [j]).batched(lhs_batch, rhs_batch)),
            &[x, y],
            bound,
        );
    }

    /// Rows picked by indices, some out of range; sometimes written back into the operand.
    fn gather(&mut self, x: Grown<'b>) {
        let axis = self.draw.below(x.expr.rank());
        let indices_type = Type::new(DType::I32, self.draw.shape(1));
        let indices = self.input(indices_type);
        let rows = x.expr.gather(indices.expr, axis, 0);
        let kind = self.draw.one(&ScatterKind::ALL);
        if self.draw.once_in(2) || (kind == ScatterKind::Add && x.expr.dtype() == DType::Bool) {
            return self.keep(rows, &[x], x.bound);
        }
        let written = x.expr.scatter(indices.expr, rows, Scatter { axis, batch: 0, kind });
        self.keep(written, &[x], x.bound * (1 + rows.shape()[axis]) as f64);
    }

    /// A block from a place known only at run time, or written there.
    fn dynamic(&mut self, x: Grown<'b>) {
        let shape = x.expr.shape();
        let sizes: Shape = shape.iter().map(|&size| self.draw.below(size + 1)).collect();
        let starts = self.input(Type::new(DType::I32, [shape.rank()]));
        let block = x.expr.dynamic_slice(starts.expr, sizes);
        if self.draw.once_in(2) {
            return self.keep(block, &[x], x.bound);
        }
        let (first, all) = (vec![0; shape.rank()], vec![1; shape.rank()]);
        let corner = x.expr.slice(&first, &block.shape(), &all);
        self.keep(x.expr.dynamic_update(corner, starts.expr), &[x], x.bound);
    }

    fn leaf(&mut self) {
        let mut ty = self.draw.ty();
        if ty.elements() > 64 {
            ty = Type::scalar(ty.dtype);
        }
        let made = match self.draw.below(3) {
            0 if ty.shape.rank() > 0 && ty.dtype != DType::Bool => self.b.iota(ty, 0),
            1 => {
                let [key, counter] = [(); 2].map(|()| self.input(Type::new(DType::U32, [2])).expr);
                self.b.random_bits(ty.shape, key, counter)
            }
            _ => self.b.constant(self.draw.tensor(&ty, &(-2.0..=2.0))),
        };
        self.keep(made, &[], LARGEST_INPUT);
    }

    /// The finished program: its last value and a few others come out. Sometimes the first input is state.
    fn harvest(mut self) -> Graph {
        let mut outputs: Vec<Expr<'b>> = self.values.last().map(|value| value.expr).into_iter().collect();
        for _ in 0..2 + self.draw.below(4) {
            outputs.push(self.any().expr);
        }
        let first = self.values[0].expr;
        let next = self.values.iter().map(|value| value.expr).rfind(|value| value.ty() == first.ty());
        let state = usize::from(self.draw.once_in(3));
        outputs.splice(0..0, next.filter(|_| state == 1));
        self.b.finish_with_state(state, &outputs).expect("every step makes well-typed values")
    }
}
