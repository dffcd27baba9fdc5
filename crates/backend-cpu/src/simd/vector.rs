//! Vectors of one instruction set, for the one loop that the compiler must not be left to vectorise: the innermost of
//! a matrix product, whose sums have to stay in registers.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::Portable;
use super::number::Number;

/// A vector register.
pub(crate) trait Vector: Copy {
    type N: Number;
    /// Numbers in a register.
    const LANES: usize;

    /// The same number in every lane.
    ///
    /// # Safety
    /// As for all functions here: the machine has the instruction set.
    unsafe fn splat(x: Self::N) -> Self;

    /// The first numbers of a slice.
    ///
    /// # Safety
    /// As above.
    unsafe fn load(from: &[Self::N]) -> Self;

    /// The number at an address in every lane.
    ///
    /// # Safety
    /// As above; and a number lies there.
    #[inline(always)]
    unsafe fn splat_at(from: *const Self::N) -> Self {
        // SAFETY: as the caller promises.
        unsafe { Self::splat(*from) }
    }

    /// The numbers from an address on.
    ///
    /// # Safety
    /// As above; and as many numbers as lanes lie there.
    unsafe fn load_at(from: *const Self::N) -> Self;

    /// Writes the first numbers of a slice.
    ///
    /// # Safety
    /// As above.
    unsafe fn store(self, to: &mut [Self::N]);

    /// `self + y`.
    ///
    /// # Safety
    /// As above.
    unsafe fn add(self, y: Self) -> Self;

    /// `self·y + z`.
    ///
    /// # Safety
    /// As above.
    unsafe fn mul_add(self, y: Self, z: Self) -> Self;
}

/// A vector in plain Rust, which the compiler makes of what the target has.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<N, const L: usize>([N; L]);

impl<N: Number, const L: usize> Vector for Lanes<N, L> {
    type N = N;
    const LANES: usize = L;

    #[inline(always)]
    unsafe fn splat(x: N) -> Lanes<N, L> {
        Lanes([x; L])
    }

    #[inline(always)]
    unsafe fn load(from: &[N]) -> Lanes<N, L> {
        Lanes(*from.first_chunk().expect("as many numbers as lanes"))
    }

    #[inline(always)]
    unsafe fn load_at(from: *const N) -> Lanes<N, L> {
        // SAFETY: as the caller promises.
        Lanes(unsafe { from.cast::<[N; L]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [N]) {
        to[..L].copy_from_slice(&self.0);
    }

    #[inline(always)]
    unsafe fn add(self, y: Lanes<N, L>) -> Lanes<N, L> {
        Lanes(std::array::from_fn(|i| self.0[i].add(y.0[i])))
    }

    #[inline(always)]
    unsafe fn mul_add(self, y: Lanes<N, L>, z: Lanes<N, L>) -> Lanes<N, L> {
        Lanes(std::array::from_fn(|i| self.0[i].mul_add::<Portable>(y.0[i], z.0[i])))
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! vectors {
    ($(
        $vector:ident: $lanes:literal $number:ident,
        $splat:ident $load:ident $store:ident $add:ident $mul_add:ident;
    )*) => {$(
        impl Vector for $vector {
            type N = $number;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn splat(x: $number) -> $vector {
                // SAFETY: the machine has the instruction, as the caller promises.
                unsafe { $splat(x) }
            }

            #[inline(always)]
            unsafe fn load(from: &[$number]) -> $vector {
                let from = &from[..$lanes];
                // SAFETY: as above; and the slice has as many elements, as just checked.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            unsafe fn load_at(from: *const $number) -> $vector {
                // SAFETY: as the caller promises.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: &mut [$number]) {
                let to = &mut to[..$lanes];
                // SAFETY: as for `load`.
                unsafe { $store(to.as_mut_ptr(), self) }
            }

            #[inline(always)]
            unsafe fn add(self, y: $vector) -> $vector {
                // SAFETY: as for `splat`.
                unsafe { $add(self, y) }
            }

            #[inline(always)]
            unsafe fn mul_add(self, y: $vector, z: $vector) -> $vector {
                // SAFETY: as for `splat`.
                unsafe { $mul_add(self, y, z) }
            }
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
vectors! {
    __m256: 8 f32, _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_fmadd_ps;
    __m256d: 4 f64, _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_fmadd_pd;
    __m512: 16 f32, _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_fmadd_ps;
    __m512d: 8 f64, _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_fmadd_pd;
}
