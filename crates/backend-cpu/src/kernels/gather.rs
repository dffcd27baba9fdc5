//! Gathers: rows picked by indices.

use std::marker::PhantomData;

use cornu_ir::DType;
use cornu_ir::types::Type;

use super::{BufferIndex, Buffers, Site, Task};
use crate::pieces::Pieces;
use crate::simd::plain::Plain;

/// The sizes of a gather or scatter, walked as `[batch, middle, pick, inner]`: paired axes, the operand's others before
/// the picked one, the indices' others, the operand's after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picks {
    /// Rows of the operand around the picked axis: batch times middle.
    pub(crate) rows: usize,
    pub(crate) middle: usize,
    /// Indices for each batch.
    pub(crate) picks: usize,
    /// Size of the picked axis.
    pub(crate) size: usize,
    pub(crate) inner: usize,
}

impl Picks {
    pub(crate) fn new(operand: &Type, indices: &Type, axis: usize, batch: usize) -> Picks {
        let sizes = &operand.shape;
        Picks {
            rows: sizes[..axis].iter().product(),
            middle: sizes[batch..axis].iter().product(),
            picks: indices.shape[batch..].iter().product(),
            size: sizes[axis],
            inner: sizes[axis + 1..].iter().product(),
        }
    }

    /// Where index number `pick` of a row is among all indices.
    pub(crate) fn index_of(&self, row: usize, pick: usize) -> usize {
        row / self.middle * self.picks + pick
    }
}

/// An index of some whole-number type.
pub(crate) trait Index: Plain {
    /// The index, if it is below `size`.
    fn within(self, size: usize) -> Option<usize>;
}

macro_rules! indices {
    ($($int:ident),*) => {$(
        impl Index for $int {
            #[inline(always)]
            fn within(self, size: usize) -> Option<usize> {
                usize::try_from(self).ok().filter(|&index| index < size)
            }
        }
    )*};
}

indices!(i32, i64, u8, u32);

/// The gather of elements of `width` bytes by indices of some type; `None` if that is no whole number.
pub(crate) fn gather(
    picks: Picks,
    width: usize,
    index: DType,
    from: BufferIndex,
    indices: BufferIndex,
    to: BufferIndex,
) -> Option<Box<dyn Task>> {
    fn boxed<I: Index>(picks: Picks, width: usize, buffers: [BufferIndex; 3]) -> Option<Box<dyn Task>> {
        let [from, indices, to] = buffers;
        Some(Box::new(GatherTask { picks, width, from, indices, to, index: PhantomData::<I> }))
    }
    let buffers = [from, indices, to];
    match index {
        DType::I32 => boxed::<i32>(picks, width, buffers),
        DType::I64 => boxed::<i64>(picks, width, buffers),
        DType::U8 => boxed::<u8>(picks, width, buffers),
        DType::U32 => boxed::<u32>(picks, width, buffers),
        DType::F32 | DType::F64 | DType::BF16 | DType::F16 | DType::Bool => None,
    }
}

struct GatherTask<I> {
    picks: Picks,
    width: usize,
    from: BufferIndex,
    indices: BufferIndex,
    to: BufferIndex,
    index: PhantomData<I>,
}

impl<I: Index> GatherTask<I> {
    fn cut(&self) -> Pieces {
        let Picks { rows, picks, inner, .. } = self.picks;
        Pieces::new(rows * picks, (1 << 14) / inner.max(1), 64)
    }

    fn gather<P: Plain + Default>(&self, piece: usize, buffers: Buffers<'_>) {
        let Picks { picks, size, inner, .. } = self.picks;
        let (from, indices) = (buffers.read::<P>(self.from), buffers.read::<I>(self.indices));
        let range = self.cut().range(piece);
        // SAFETY: pieces are different stretches.
        let out = unsafe { buffers.write::<P>(self.to, range.start * inner..range.end * inner) };
        for (place, out) in range.zip(out.chunks_exact_mut(inner.max(1))) {
            let (row, pick) = (place / picks, place % picks);
            match indices[self.picks.index_of(row, pick)].within(size) {
                Some(index) => {
                    let start = (row * size + index) * inner;
                    match out {
                        // A single element is not worth a call of memcpy.
                        [out] => *out = from[start],
                        out => out.copy_from_slice(&from[start..start + inner]),
                    }
                }
                None => out.fill(P::default()),
            }
        }
    }
}

impl<I: Index> Task for GatherTask<I> {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        match self.width {
            1 => self.gather::<u8>(piece, at.buffers),
            2 => self.gather::<u16>(piece, at.buffers),
            4 => self.gather::<u32>(piece, at.buffers),
            _ => self.gather::<u64>(piece, at.buffers),
        }
    }
}
