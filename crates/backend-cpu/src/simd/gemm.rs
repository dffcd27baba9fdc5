//! Matrix products: packed panels, multiplied tile by tile in registers.
//!
//! The left matrix is packed into strips of `MR` rows, the right one into strips of `NR` columns, both with the summed
//! axis outermost: the inner loop reads two short runs and updates `MR·NR` sums, which stay in registers. Tile sizes
//! are chosen for each instruction set so that they just fit.

use super::fold::Summed;
use super::number::Number;
use super::outer::{OuterProduct, OuterTiles};
use super::rows::{RowProduct, RowTiles};
use super::sliding::SlidingTiles;
use super::sliding_outer::SlidingOuterTiles;
use super::vector::{Lanes, Vector};
use super::{Isa, Loop, Set, Target};

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

/// The least rows of a sum of outer products, on every instruction set.
pub(crate) const LEAST_ROWS: usize = 8;

/// Adds the product of packed panels to `sums`, `rows` rows of `columns` sums, `stride` apart.
pub(crate) struct Product<'a, N> {
    pub(crate) left: &'a [N],
    pub(crate) right: &'a [N],
    pub(crate) depth: usize,
    pub(crate) sums: &'a mut [N],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) stride: usize,
    /// True if the sums hold nothing yet, and are not to be read.
    pub(crate) first: bool,
}

/// A number whose products are known.
pub(crate) trait Multiplied: Summed {
    /// Computes a product of panels that were packed for [`Isa::tile`].
    fn multiply(isa: Isa, product: Product<'_, Self>);

    /// Computes a product of rows with a panel that was packed for [`Isa::tile`]: see [`super::rows`].
    fn multiply_rows(isa: Isa, product: RowProduct<'_, Self>);

    /// Computes a product of rows that overlap along lines of so many places: see [`super::sliding`].
    fn multiply_sliding(isa: Isa, product: RowProduct<'_, Self>, line: usize);

    /// Computes a sum of outer products: see [`super::outer`].
    fn multiply_outer(isa: Isa, product: OuterProduct<'_, Self>);

    /// The same of rows that overlap along lines of so many places: see [`super::sliding_outer`].
    fn multiply_sliding_outer(isa: Isa, product: OuterProduct<'_, Self>, line: usize);
}

/// Floats have a loop of vectors for each instruction set beyond the portable one.
macro_rules! floats {
    ($($float:ident $portable:literal $avx2:ident $avx512:ident;)*) => {$(
        impl Multiplied for $float {
            fn multiply(isa: Isa, product: Product<'_, $float>) {
                match isa.0 {
                    Set::Portable => isa.run(Plain::<$float, 4, $portable>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(Tiles::<std::arch::x86_64::$avx2, 6>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(Tiles::<std::arch::x86_64::$avx512, 12>(product)),
                }
            }

            fn multiply_rows(isa: Isa, product: RowProduct<'_, $float>) {
                match isa.0 {
                    Set::Portable => isa.run(RowTiles::<Lanes<$float, { $portable / 2 }>, 4>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(RowTiles::<std::arch::x86_64::$avx2, 6>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(RowTiles::<std::arch::x86_64::$avx512, 12>(product)),
                }
            }

            fn multiply_sliding(isa: Isa, product: RowProduct<'_, $float>, line: usize) {
                match isa.0 {
                    Set::Portable => {
                        isa.run(SlidingTiles::<Lanes<$float, { $portable / 2 }>, 8, 4> { product, line })
                    }
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(SlidingTiles::<std::arch::x86_64::$avx2, 8, 4> { product, line }),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(SlidingTiles::<std::arch::x86_64::$avx512, 16, 8> { product, line }),
                }
            }

            fn multiply_sliding_outer(isa: Isa, product: OuterProduct<'_, $float>, line: usize) {
                match isa.0 {
                    Set::Portable => {
                        isa.run(SlidingOuterTiles::<Lanes<$float, { $portable / 2 }>, 3> { product, line })
                    }
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(SlidingOuterTiles::<std::arch::x86_64::$avx2, 3> { product, line }),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(SlidingOuterTiles::<std::arch::x86_64::$avx512, 4> { product, line }),
                }
            }

            fn multiply_outer(isa: Isa, product: OuterProduct<'_, $float>) {
                match isa.0 {
                    Set::Portable => {
                        isa.run(OuterTiles::<Lanes<$float, { $portable / 2 }>, 4, 8>(product))
                    }
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(OuterTiles::<std::arch::x86_64::$avx2, 4, 8>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(OuterTiles::<std::arch::x86_64::$avx512, 8, 16>(product)),
                }
            }
        }
    )*};
}

/// Whole numbers are left to the compiler.
macro_rules! wholes {
    ($($int:ident $portable:literal $avx2:literal $avx512:literal;)*) => {$(
        impl Multiplied for $int {
            fn multiply(isa: Isa, product: Product<'_, $int>) {
                match isa.0 {
                    Set::Portable => isa.run(Plain::<$int, 4, $portable>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(Plain::<$int, 6, $avx2>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(Plain::<$int, 12, $avx512>(product)),
                }
            }

            fn multiply_rows(isa: Isa, product: RowProduct<'_, $int>) {
                match isa.0 {
                    Set::Portable => isa.run(RowTiles::<Lanes<$int, { $portable / 2 }>, 4>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(RowTiles::<Lanes<$int, { $avx2 / 2 }>, 6>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(RowTiles::<Lanes<$int, { $avx512 / 2 }>, 12>(product)),
                }
            }

            fn multiply_sliding(isa: Isa, product: RowProduct<'_, $int>, line: usize) {
                isa.run(SlidingTiles::<Lanes<$int, 4>, 8, 4> { product, line });
            }

            fn multiply_sliding_outer(isa: Isa, product: OuterProduct<'_, $int>, line: usize) {
                isa.run(SlidingOuterTiles::<Lanes<$int, 4>, 3> { product, line });
            }

            fn multiply_outer(isa: Isa, product: OuterProduct<'_, $int>) {
                isa.run(OuterTiles::<Lanes<$int, 4>, 4, 8>(product));
            }
        }
    )*};
}

floats! {
    f32 8 __m256 __m512;
    f64 4 __m256d __m512d;
}

wholes! {
    i32 8 16 32;
    u32 8 16 32;
    u8 8 16 32;
    i64 4 8 16;
}

impl<N> Product<'_, N> {
    /// Calls `multiply` with the strips and the place of each tile: its first row and column, its height and width.
    #[inline(always)]
    fn tiles(self, tile: Tile, mut multiply: impl FnMut(&[N], &[N], &mut [N], (usize, usize))) {
        let Product { left, right, depth, sums, rows, columns, stride, .. } = self;
        let right = right.chunks_exact(tile.columns * depth).take(columns.div_ceil(tile.columns));
        for (j, right) in right.enumerate() {
            let left = left.chunks_exact(tile.rows * depth).take(rows.div_ceil(tile.rows));
            for (i, left) in left.enumerate() {
                let (row, column) = (i * tile.rows, j * tile.columns);
                let size = (tile.rows.min(rows - row), tile.columns.min(columns - column));
                multiply(left, right, &mut sums[row * stride + column..], size);
            }
        }
    }
}

/// A product by vectors: each row of a tile is two of them.
#[cfg(target_arch = "x86_64")]
struct Tiles<'a, V: Vector, const MR: usize>(Product<'a, V::N>);

#[cfg(target_arch = "x86_64")]
impl<V: Vector, const MR: usize> Loop for Tiles<'_, V, MR> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let (stride, first) = (self.0.stride, self.0.first);
        let tile = Tile { rows: MR, columns: 2 * V::LANES };
        self.0.tiles(tile, |left, right, out, (height, width)| {
            // SAFETY: `multiply` runs this with vectors of the set that `Isa::run` compiles it for.
            unsafe {
                let sums = multiply::<V, MR>(left, right);
                if (height, width) == (MR, 2 * V::LANES) {
                    write_tile(&sums, out, stride, first);
                } else {
                    write_part(&sums, out, stride, first, height, width);
                }
            }
        });
    }
}

/// The sums of one tile.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn multiply<V: Vector, const MR: usize>(left: &[V::N], right: &[V::N]) -> [[V; 2]; MR] {
    // SAFETY: as the caller promises, here and below.
    let mut sums = unsafe { [[V::splat(V::N::ZERO); 2]; MR] };
    for (left, right) in left.as_chunks::<MR>().0.iter().zip(right.chunks_exact(2 * V::LANES)) {
        // SAFETY: as above.
        unsafe {
            let (low, high) = (V::load(right), V::load(&right[V::LANES..]));
            for i in 0..MR {
                let x = V::splat(left[i]);
                sums[i] = [x.mul_add(low, sums[i][0]), x.mul_add(high, sums[i][1])];
            }
        }
    }
    sums
}

/// Writes a whole tile, or adds it to what is there.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn write_tile<V: Vector, const MR: usize>(
    sums: &[[V; 2]; MR],
    out: &mut [V::N],
    stride: usize,
    first: bool,
) {
    for i in 0..MR {
        let (low, high) = out[i * stride..][..2 * V::LANES].split_at_mut(V::LANES);
        // SAFETY: as the caller promises.
        unsafe {
            if first {
                sums[i][0].store(low);
                sums[i][1].store(high);
            } else {
                sums[i][0].add(V::load(low)).store(low);
                sums[i][1].add(V::load(high)).store(high);
            }
        }
    }
}

/// Writes the part of a tile that lies within the product.
///
/// # Safety
/// The machine has the instruction set of `V`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn write_part<V: Vector, const MR: usize>(
    sums: &[[V; 2]; MR],
    out: &mut [V::N],
    stride: usize,
    first: bool,
    height: usize,
    width: usize,
) {
    for (i, sums) in sums.iter().enumerate().take(height) {
        let mut row = [V::N::ZERO; 32];
        // SAFETY: as the caller promises.
        unsafe {
            sums[0].store(&mut row);
            sums[1].store(&mut row[V::LANES..]);
        }
        let out = &mut out[i * stride..][..width];
        if first {
            out.copy_from_slice(&row[..width]);
        } else {
            out.iter_mut().zip(row).for_each(|(out, sum)| *out = out.add(sum));
        }
    }
}

/// A product in plain Rust.
struct Plain<'a, N, const MR: usize, const NR: usize>(Product<'a, N>);

impl<N: Number, const MR: usize, const NR: usize> Loop for Plain<'_, N, MR, NR> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let (stride, first) = (self.0.stride, self.0.first);
        self.0.tiles(Tile { rows: MR, columns: NR }, |left, right, out, (height, width)| {
            let tile = multiply_plain::<T, N, MR, NR>(left.as_chunks().0, right.as_chunks().0);
            for (i, tile) in tile.iter().enumerate().take(height) {
                let out = &mut out[i * stride..][..width];
                if first {
                    out.fill(N::ZERO);
                }
                out.iter_mut().zip(tile).for_each(|(out, &sum)| *out = out.add(sum));
            }
        });
    }
}

/// The sums of one tile.
#[inline(always)]
fn multiply_plain<T: Target, N: Number, const MR: usize, const NR: usize>(
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
