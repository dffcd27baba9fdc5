//! Packing: operands of products in the order in which the innermost loop reads them, widened on the way.

use super::gemm::Multiplied;
use super::number::Number;
use super::plain::Plain;
use super::turn::{SIDE, turn};
use super::{Isa, Loop, Target};

/// How elements of operands become numbers that are summed.
pub(crate) trait Operand: Send + Sync + 'static {
    type Raw: Plain;
    type Held: Multiplied;
    /// True if elements are such numbers already, and may be read where they lie.
    const IS_HELD: bool;
    fn widen(raw: Self::Raw) -> Self::Held;

    /// Turns a square of [`SIDE`] rows of as many elements, `row` apart, into such rows `strip` apart. False where it
    /// is left to do, as there are no instructions for it.
    #[inline(always)]
    fn turn(_isa: Isa, _from: &[Self::Raw], _row: usize, _out: &mut [Self::Held], _strip: usize) -> bool {
        false
    }
}

impl Operand for f32 {
    type Raw = f32;
    type Held = f32;
    const IS_HELD: bool = true;

    #[inline(always)]
    fn widen(raw: f32) -> f32 {
        raw
    }

    #[inline(always)]
    fn turn(isa: Isa, from: &[f32], row: usize, out: &mut [f32], strip: usize) -> bool {
        turn(isa, from, row, out, strip)
    }
}

/// A number that is its own operand.
macro_rules! operands {
    ($($number:ident),*) => {$(
        impl Operand for $number {
            type Raw = $number;
            type Held = $number;
            const IS_HELD: bool = true;

            #[inline(always)]
            fn widen(raw: $number) -> $number {
                raw
            }
        }
    )*};
}

operands!(f64, i32, i64, u8, u32);

/// A matrix in memory: element `(i, j)` at `start + i·row + j·column`. One of the strides is 1.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, P> {
    pub(crate) elements: &'a [P],
    pub(crate) start: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl<'a, P: Plain> Matrix<'a, P> {
    /// The matrix from this row and column on.
    pub(crate) fn from(self, row: usize, column: usize) -> Matrix<'a, P> {
        Matrix { start: self.start + row * self.row + column * self.column, ..self }
    }
}

/// Packs `rows`×`depth` elements of a matrix into strips of `strip` rows: place `p·strip + i` of a strip is element
/// `(i, p)`. Rows that are missing in the last strip are zeros.
pub(crate) fn pack<O: Operand>(
    isa: Isa,
    from: Matrix<'_, O::Raw>,
    rows: usize,
    depth: usize,
    strip: usize,
    out: &mut [O::Held],
) {
    isa.run(Pack::<O> { isa, from, rows, depth, strip, out });
}

struct Pack<'a, O: Operand> {
    isa: Isa,
    from: Matrix<'a, O::Raw>,
    rows: usize,
    depth: usize,
    strip: usize,
    out: &'a mut [O::Held],
}

impl<O: Operand> Loop for Pack<'_, O> {
    #[inline(always)]
    fn run<T: Target>(self) {
        // The heights that tiles have; a loop of fixed length becomes straight code.
        match self.strip {
            4 => self.strips::<4>(),
            6 => self.strips::<6>(),
            8 => self.strips::<8>(),
            12 => self.strips::<12>(),
            16 => self.strips::<16>(),
            _ => self.strips::<32>(),
        }
    }
}

impl<O: Operand> Pack<'_, O> {
    #[inline(always)]
    fn strips<const N: usize>(mut self) {
        let full = self.rows / N;
        if self.from.row == 1 {
            self.full_strips_along_rows::<N>(full);
        } else {
            self.full_strips_along_depth::<N>(full);
        }
        if !self.rows.is_multiple_of(N) {
            self.last_strip::<N>(full * N);
        }
    }

    /// Where rows are consecutive: each place of the summed axis is one run, dealt out to all strips.
    #[inline(always)]
    fn full_strips_along_rows<const N: usize>(&mut self, strips: usize) {
        let Matrix { elements, start, column, .. } = self.from;
        for p in 0..self.depth {
            let run = &elements[start + p * column..][..strips * N];
            for (strip, run) in run.as_chunks::<N>().0.iter().enumerate() {
                let out = &mut self.out[(strip * self.depth + p) * N..][..N];
                // All are read before any is written, or the compiler would copy them one by one.
                let mut held = [O::Held::ZERO; N];
                held.iter_mut().zip(run).for_each(|(held, &raw)| *held = O::widen(raw));
                out.copy_from_slice(&held);
            }
        }
    }

    /// Where the summed axis is consecutive: from each of `N` rows a cache line at a time, so that none is met twice.
    #[inline(always)]
    fn full_strips_along_depth<const N: usize>(&mut self, strips: usize) {
        const LINE: usize = SIDE;
        let Matrix { elements, start, row, .. } = self.from;
        let whole = self.depth / LINE * LINE;
        for strip in 0..strips {
            let out = &mut self.out[strip * N * self.depth..][..N * self.depth];
            let (blocks, rest) = out.split_at_mut(N * whole);
            for (block, out) in blocks.chunks_exact_mut(N * LINE).enumerate() {
                let from = &elements[start + strip * N * row + block * LINE..];
                let squares = if N.is_multiple_of(SIDE) { N / SIDE } else { 0 };
                let turned = |i: usize| {
                    let i = i * SIDE;
                    O::turn(self.isa, &from[i * row..], row, &mut out[i..], N)
                };
                if squares > 0 && (0..squares).all(turned) {
                    continue;
                }
                for i in 0..N {
                    let line = &from[i * row..][..LINE];
                    for p in 0..LINE {
                        out[p * N + i] = O::widen(line[p]);
                    }
                }
            }
            for i in 0..N {
                let line = &elements[start + (strip * N + i) * row + whole..][..self.depth - whole];
                line.iter().enumerate().for_each(|(p, &raw)| rest[p * N + i] = O::widen(raw));
            }
        }
    }

    /// The strip of the last rows, fewer than `N`.
    #[inline(always)]
    fn last_strip<const N: usize>(&mut self, first: usize) {
        let Matrix { elements, start, row, column } = self.from.from(first, 0);
        let (out, _) = self.out[first * self.depth..].as_chunks_mut::<N>();
        for (p, out) in out.iter_mut().take(self.depth).enumerate() {
            let element = |i: usize| O::widen(elements[start + i * row + p * column]);
            *out = std::array::from_fn(|i| if i < self.rows - first { element(i) } else { Number::ZERO });
        }
    }
}
