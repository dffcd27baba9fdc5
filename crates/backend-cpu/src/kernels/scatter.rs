//! Scatters: updates combined into rows picked by indices.
//!
//! A piece owns a range of the picked axis, reads all indices, and takes in the updates of its range in their order: so
//! the result is the same for any number of threads, and nothing is locked.

use std::marker::PhantomData;
use std::ops::Range;

use cornu_ir::DType;
use cornu_ir::ops::ScatterKind;

use super::gather::{Index, Picks};
use super::{BufferIndex, Site, Task};
use crate::pieces::Pieces;
use crate::simd::function::{Add, Function2, Max, Min, Second};
use crate::simd::table::{Held, numbers};
use crate::simd::{Loop, Target};

/// The buffers of a scatter.
#[derive(Clone, Copy)]
pub(crate) struct Wires {
    pub(crate) indices: BufferIndex,
    pub(crate) updates: BufferIndex,
    /// Holds the operand already.
    pub(crate) to: BufferIndex,
}

/// Combines updates into an operand; `None` if the indices are no whole numbers.
pub(crate) fn scatter(
    kind: ScatterKind,
    held: Held,
    picks: Picks,
    index: DType,
    wires: Wires,
) -> Option<Box<dyn Task>> {
    let task = match kind {
        ScatterKind::Set => numbers!(held, N => by_index::<Second<N>>(picks, index, wires)),
        ScatterKind::Add => numbers!(held, N => by_index::<Add<N>>(picks, index, wires)),
        ScatterKind::Max => numbers!(held, N => by_index::<Max<N>>(picks, index, wires)),
        ScatterKind::Min => numbers!(held, N => by_index::<Min<N>>(picks, index, wires)),
    };
    task.flatten()
}

fn by_index<F>(picks: Picks, index: DType, wires: Wires) -> Option<Box<dyn Task>>
where
    F: Function2<Y = <F as Function2>::X> + Send + Sync + 'static,
{
    match index {
        DType::I32 => Some(Box::new(ScatterTask { picks, wires, types: PhantomData::<(F, i32)> })),
        DType::I64 => Some(Box::new(ScatterTask { picks, wires, types: PhantomData::<(F, i64)> })),
        DType::U8 => Some(Box::new(ScatterTask { picks, wires, types: PhantomData::<(F, u8)> })),
        DType::U32 => Some(Box::new(ScatterTask { picks, wires, types: PhantomData::<(F, u32)> })),
        DType::F32 | DType::F64 | DType::BF16 | DType::F16 | DType::Bool => None,
    }
}

struct ScatterTask<F, I> {
    picks: Picks,
    wires: Wires,
    types: PhantomData<(F, I)>,
}

impl<F, I> ScatterTask<F, I> {
    fn rows(&self) -> Pieces {
        let Picks { rows, picks, inner, .. } = self.picks;
        Pieces::new(rows, (1 << 14) / (picks * inner).max(1), 1)
    }

    /// Ranges of the picked axis. Reading all indices for each must stay cheap beside taking in the updates.
    fn ranges(&self) -> Pieces {
        let Picks { picks, size, inner, .. } = self.picks;
        let most = (inner / 4).min((picks * inner) >> 14).clamp(1, 64);
        Pieces::new(size, size.div_ceil(most), 1)
    }
}

impl<F, I: Index> ScatterTask<F, I>
where
    F: Function2<Y = <F as Function2>::X> + Send + Sync + 'static,
{
    /// Takes the updates of one row whose indices are in `range` into `out`, which is that range of the row.
    fn row(&self, at: &Site<'_>, row: usize, range: Range<usize>, out: &mut [F::X]) {
        let Picks { picks, size, inner, .. } = self.picks;
        let indices = at.buffers.read::<I>(self.wires.indices);
        let updates = at.buffers.read::<F::X>(self.wires.updates);
        for pick in 0..picks {
            let index = indices[self.picks.index_of(row, pick)].within(size);
            let Some(index) = index.filter(|index| range.contains(index)) else { continue };
            let update = &updates[(row * picks + pick) * inner..][..inner];
            let out = &mut out[(index - range.start) * inner..][..inner];
            if let ([out], [update]) = (&mut *out, update) {
                *out = F::of::<crate::simd::Portable>(*out, *update);
            } else {
                at.isa.run(Meet::<F> { out, update });
            }
        }
    }
}

impl<F, I: Index> Task for ScatterTask<F, I>
where
    F: Function2<Y = <F as Function2>::X> + Send + Sync + 'static,
{
    fn pieces(&self) -> usize {
        self.rows().count() * self.ranges().count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let Picks { size, inner, .. } = self.picks;
        let ranges = self.ranges().count();
        let range = self.ranges().range(piece % ranges);
        for row in self.rows().range(piece / ranges) {
            let places = (row * size + range.start) * inner..(row * size + range.end) * inner;
            // SAFETY: pieces own different rows or different ranges of them.
            let out = unsafe { at.buffers.write::<F::X>(self.wires.to, places) };
            self.row(at, row, range.clone(), out);
        }
    }
}

/// One update.
struct Meet<'a, F: Function2> {
    out: &'a mut [F::X],
    update: &'a [F::X],
}

impl<F: Function2<Y = <F as Function2>::X>> Loop for Meet<'_, F> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for (out, &update) in self.out.iter_mut().zip(self.update) {
            *out = F::of::<T>(*out, update);
        }
    }
}
