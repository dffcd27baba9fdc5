//! `scatter`: rows written or combined at indices computed at run time.

use crate::error::OpError;
use crate::expr::Expr;
use crate::op::{At, Exactness, Grads, Rules};
use crate::ops::{Binary, Gather, Reduction};
use crate::tensor::Tensor;
use crate::text::attributes::Attributes;
use crate::types::{DType, Shape, Type};

/// How an update meets the element at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScatterKind {
    /// It replaces the element; of several updates of one place the last one stays, in row-major order.
    Set,
    /// It is added to the element. Not for `bool`.
    Add,
    /// The larger stays; NaN if either is.
    Max,
    /// The smaller stays; NaN if either is.
    Min,
}

impl ScatterKind {
    /// Every way.
    pub const ALL: [ScatterKind; 4] =
        [ScatterKind::Set, ScatterKind::Add, ScatterKind::Max, ScatterKind::Min];

    /// The word in the written form.
    pub fn word(self) -> &'static str {
        match self {
            ScatterKind::Set => "set",
            ScatterKind::Add => "add",
            ScatterKind::Max => "max",
            ScatterKind::Min => "min",
        }
    }

    /// The function of the element and the update; `None` for `Set`, which forgets the element.
    pub fn combine(self) -> Option<Binary> {
        match self {
            ScatterKind::Set => None,
            ScatterKind::Add => Some(Binary::Add),
            ScatterKind::Max => Some(Binary::Max),
            ScatterKind::Min => Some(Binary::Min),
        }
    }

    fn takes(self, dtype: DType) -> bool {
        match self {
            ScatterKind::Set => true,
            ScatterKind::Add => Reduction::Sum.takes(dtype),
            ScatterKind::Max | ScatterKind::Min => true,
        }
    }
}

/// The operand with updates combined into it, where [`Gather`] of the same attributes would have read them:
/// the updates have that gather's shape. An update whose index is out of range is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scatter {
    /// The axis of the operand that indices point into.
    pub axis: usize,
    /// How many leading axes of operand and indices are paired; no more than `axis`.
    pub batch: usize,
    /// How updates and elements combine.
    pub kind: ScatterKind,
}

impl Scatter {
    fn gather(&self) -> Gather {
        Gather { axis: self.axis, batch: self.batch }
    }

    /// What these arguments should have been.
    fn need(&self, args: &[&Type]) -> String {
        let picked = match args {
            [operand, indices, _] if self.kind.takes(operand.dtype) => {
                self.gather().picked(&operand.shape, indices).map(|shape| operand.with_shape(shape))
            }
            _ => None,
        };
        let numbers = if self.kind == ScatterKind::Add { " of numbers" } else { "" };
        match picked {
            Some(updates) => format!("updates of type {updates}"),
            None => {
                format!("an operand{numbers}, indices that `gather` would take, and updates as it would give")
            }
        }
    }
}

impl Rules for Scatter {
    fn name(&self) -> &'static str {
        "scatter"
    }

    fn infer(&self, args: &[&Type]) -> Result<Type, OpError> {
        let fits = |operand: &Type, indices: &Type, updates: &Type| {
            self.kind.takes(operand.dtype)
                && updates.dtype == operand.dtype
                && self.gather().picked(&operand.shape, indices).as_ref() == Some(&updates.shape)
        };
        match args {
            [operand, indices, updates] if fits(operand, indices, updates) => Ok((*operand).clone()),
            _ => Err(OpError::new("scatter", self.need(args), args)),
        }
    }

    fn grad<'b>(&self, at: &At<'b>, cotangent: Expr<'b>) -> Grads<'b> {
        let (operand, indices, updates) = (at.args[0], at.args[1], at.args[2]);
        let gather = |from: Expr<'b>| from.gather(indices, self.axis, self.batch);
        match self.kind {
            ScatterKind::Add => Grads::some([Some(cotangent), None, Some(gather(cotangent))]),
            ScatterKind::Set => {
                let zeros = updates.full_like(0.0);
                let kept = cotangent.scatter(indices, zeros, self.clone());
                Grads::some([Some(kept), None, Some(self.stays(at).select(gather(cotangent), zeros))])
            }
            // Equal extremes share the cotangent, as those of a reduction do.
            ScatterKind::Max | ScatterKind::Min => {
                let operand_hits = operand.eq(at.value).cast(operand.dtype());
                let update_hits = updates.eq(gather(at.value)).cast(operand.dtype());
                let add = Scatter { kind: ScatterKind::Add, ..self.clone() };
                let share = cotangent / operand_hits.scatter(indices, update_hits, add);
                Grads::some([Some(share * operand_hits), None, Some(gather(share) * update_hits)])
            }
        }
    }

    fn eval(&self, args: &[&Tensor], ty: &Type) -> Tensor {
        let (operand, updates) = (args[0], args[2]);
        let place = self.gather().places(operand.shape(), args[1]);
        let writes = (0..updates.shape().elements()).filter_map(|update| Some((place(update)?, update)));
        let Some(combine) = self.kind.combine() else {
            let mut source: Vec<(usize, usize)> = (0..ty.elements()).map(|i| (0, i)).collect();
            writes.for_each(|(to, update)| source[to] = (1, update));
            return Tensor::assembled(&[operand, updates], &ty.shape, |i| Some(source[i]));
        };
        if ty.dtype.is_float() {
            let (mut out, updates) = (operand.floats(), updates.floats());
            writes.for_each(|(to, update)| out[to] = combine.on_float(out[to], updates[update]));
            Tensor::from_floats(ty, out)
        } else {
            let (mut out, updates) = (operand.integers(), updates.integers());
            writes.for_each(|(to, update)| out[to] = combine.on_integer(out[to], updates[update], ty.dtype));
            Tensor::from_integers(ty, out)
        }
    }

    fn attributes(&self) -> Attributes {
        self.gather().attributes().word("kind", self.kind.word())
    }

    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Scatter, String>> {
        (name == "scatter").then(|| {
            let word = attributes.get_word("kind")?;
            let kind = ScatterKind::ALL.into_iter().find(|kind| kind.word() == word);
            Ok(Scatter {
                axis: attributes.get_size("axis")?,
                batch: attributes.get_size("batch")?,
                kind: kind.ok_or_else(|| format!("`kind` must be set, add, max or min, not {word}"))?,
            })
        })
    }

    fn exactness(&self) -> Exactness {
        match self.kind {
            ScatterKind::Set | ScatterKind::Max | ScatterKind::Min => Exactness::Exact,
            ScatterKind::Add => Exactness::Rounding,
        }
    }
}

impl Scatter {
    /// For every update whether it is the last one at its place, and so the one that stays.
    ///
    /// Updates are numbered by where their index stands; the highest number that reaches each place is found by a
    /// scatter of its own, over the paired axes and `axis` alone, since all other axes go the same way.
    fn stays<'b>(&self, at: &At<'b>) -> Expr<'b> {
        let (operand, indices, updates) = (at.args[0].shape(), at.args[1], at.args[2].shape());
        let b = indices.builder();
        let index_shape = indices.shape();
        let picks = &index_shape[self.batch..];
        let count = Type::new(DType::I32, [picks.iter().product::<usize>()]);
        let pick_axes: Vec<usize> = (self.batch..index_shape.rank()).collect();
        let numbers = b.iota(count, 0).reshape(picks).broadcast(index_shape.clone(), &pick_axes);
        let places: Shape = operand[..self.batch].iter().chain([&operand[self.axis]]).copied().collect();
        let highest = b.full(&Type::new(DType::I32, places), -1.0).scatter(
            indices,
            numbers,
            Scatter { axis: self.batch, batch: self.batch, kind: ScatterKind::Max },
        );
        let last = highest.gather(indices, self.batch, self.batch).eq(numbers);
        let axes: Vec<usize> = (0..self.batch).chain(self.axis..self.axis + picks.len()).collect();
        last.broadcast(updates, &axes)
    }
}
