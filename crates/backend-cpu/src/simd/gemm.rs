//! Matrix products: packed panels, multiplied tile by tile in registers.
//!
//! The left matrix is packed into strips of `MR` rows, the right one into strips of `NR` columns, both with the summed
//! axis outermost: the inner loop reads two short runs and updates `MR·NR` sums, which stay in registers. Tile sizes
//! are chosen for each instruction set so that they just fit.

use super::fold::Summed;
use super::number::Number;
use super::plain::Plain;
use super::{Isa, Loop, Set, Target};

/// How elements of operands become numbers that are summed.
pub(crate) trait Operand: Send + Sync + 'static {
    type Raw: Plain;
    type Held: Summed;
    fn widen(raw: Self::Raw) -> Self::Held;
}

/// A number that is its own operand.
macro_rules! operands {
    ($($number:ident),*) => {$(
        impl Operand for $number {
            type Raw = $number;
            type Held = $number;

            #[inline(always)]
            fn widen(raw: $number) -> $number {
                raw
            }
        }
    )*};
}

operands!(f32, f64, i32, i64, u8, u32);

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

/// Rows and columns of a tile in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Isa {
    /// The tile for numbers of `width` bytes.
    pub(crate) fn tile(self, width: usize) -> Tile {
        let wide = width == 8;
        match self.0 {
            Set::Portable => Tile { rows: 4, columns: if wide { 4 } else { 8 } },
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Tile { rows: 6, columns: if wide { 8 } else { 16 } },
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => Tile { rows: 12, columns: if wide { 16 } else { 32 } },
        }
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
    for (number, out) in out.chunks_exact_mut(strip * depth).take(rows.div_ceil(strip)).enumerate() {
        let first = number * strip;
        let strip = Strip::<O> { from: from.from(first, 0), rows: strip.min(rows - first), strip, out };
        isa.run(strip);
    }
}

/// One strip to be packed.
struct Strip<'a, O: Operand> {
    from: Matrix<'a, O::Raw>,
    rows: usize,
    strip: usize,
    out: &'a mut [O::Held],
}

impl<O: Operand> Loop for Strip<'_, O> {
    #[inline(always)]
    fn run<T: Target>(self) {
        // The heights that tiles have; a loop of fixed length becomes straight code.
        match self.strip {
            4 => self.pack::<4>(),
            6 => self.pack::<6>(),
            8 => self.pack::<8>(),
            12 => self.pack::<12>(),
            16 => self.pack::<16>(),
            _ => self.pack::<32>(),
        }
    }
}

impl<O: Operand> Strip<'_, O> {
    #[inline(always)]
    fn pack<const N: usize>(self) {
        let Matrix { elements, start, row, column } = self.from;
        let (out, _) = self.out.as_chunks_mut::<N>();
        if self.rows < N {
            for (p, out) in out.iter_mut().enumerate() {
                let element = |i: usize| O::widen(elements[start + i * row + p * column]);
                *out = std::array::from_fn(|i| if i < self.rows { element(i) } else { O::Held::ZERO });
            }
        } else if row == 1 {
            for (p, out) in out.iter_mut().enumerate() {
                let run = &elements[start + p * column..][..N];
                out.iter_mut().zip(run).for_each(|(out, &raw)| *out = O::widen(raw));
            }
        } else {
            // Here the summed axis is consecutive: `N` runs are read side by side.
            let length = out.len();
            let runs: [&[O::Raw]; N] = std::array::from_fn(|i| &elements[start + i * row..][..length]);
            for (p, out) in out.iter_mut().enumerate() {
                *out = std::array::from_fn(|i| O::widen(runs[i][p]));
            }
        }
    }
}

/// Adds the product of packed panels to `sums`, `rows` rows of `columns` sums, `stride` apart.
pub(crate) struct Product<'a, N> {
    pub(crate) left: &'a [N],
    pub(crate) right: &'a [N],
    pub(crate) depth: usize,
    pub(crate) sums: &'a mut [N],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) stride: usize,
}

impl<N: Number> Product<'_, N> {
    /// Computes it with panels packed for [`Isa::tile`].
    pub(crate) fn run(self, isa: Isa) {
        let wide = size_of::<N>() == 8;
        match (isa.0, wide) {
            (Set::Portable, false) => isa.run(Tiles::<N, 4, 8>(self)),
            (Set::Portable, true) => isa.run(Tiles::<N, 4, 4>(self)),
            #[cfg(target_arch = "x86_64")]
            (Set::Avx2, false) => isa.run(Tiles::<N, 6, 16>(self)),
            #[cfg(target_arch = "x86_64")]
            (Set::Avx2, true) => isa.run(Tiles::<N, 6, 8>(self)),
            #[cfg(target_arch = "x86_64")]
            (Set::Avx512, false) => isa.run(Tiles::<N, 12, 32>(self)),
            #[cfg(target_arch = "x86_64")]
            (Set::Avx512, true) => isa.run(Tiles::<N, 12, 16>(self)),
        }
    }
}

/// A product tile by tile.
struct Tiles<'a, N, const MR: usize, const NR: usize>(Product<'a, N>);

impl<N: Number, const MR: usize, const NR: usize> Loop for Tiles<'_, N, MR, NR> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Product { left, right, depth, sums, rows, columns, stride } = self.0;
        let right = right.chunks_exact(NR * depth).take(columns.div_ceil(NR));
        for (j, right) in right.enumerate() {
            let left = left.chunks_exact(MR * depth).take(rows.div_ceil(MR));
            for (i, left) in left.enumerate() {
                let tile = multiply::<T, N, MR, NR>(left.as_chunks().0, right.as_chunks().0);
                let (height, width) = (MR.min(rows - i * MR), NR.min(columns - j * NR));
                for (i, tile) in (i * MR..).zip(&tile).take(height) {
                    let sums = &mut sums[i * stride + j * NR..][..width];
                    sums.iter_mut().zip(tile).for_each(|(sum, &more)| *sum = sum.add(more));
                }
            }
        }
    }
}

/// The sums of one tile.
#[inline(always)]
fn multiply<T: Target, N: Number, const MR: usize, const NR: usize>(
    left: &[[N; MR]],
    right: &[[N; NR]],
) -> [[N; NR]; MR] {
    let mut sums = [[N::ZERO; NR]; MR];
    for (left, right) in left.iter().zip(right) {
        for (sums, &x) in sums.iter_mut().zip(left) {
            for (sum, &y) in sums.iter_mut().zip(right) {
                *sum = x.mul_add::<T>(y, *sum);
            }
        }
    }
    sums
}
