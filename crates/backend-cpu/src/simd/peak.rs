//! The loops that meet a limit of the machine and nothing else: arithmetic in registers, and a walk through memory.

use super::vector::{Lanes, Vector};
use super::{Isa, Loop, Set, Target};

/// Sums that do not wait for each other: enough for the latency of two units, and for the registers of every set.
const CHAINS: usize = 12;

/// Multiplies and adds so often in every lane of every chain; the answer is how many operations that were, where one
/// multiply-add counts as two.
pub(crate) fn multiply_add(isa: Isa, times: usize) -> usize {
    let mut out = [0.0; 16];
    let lanes = match isa.0 {
        Set::Portable => {
            isa.run(Chains::<Lanes<f32, 4>> { out: &mut out, times, like: [] });
            4
        }
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => {
            isa.run(Chains::<std::arch::x86_64::__m256> { out: &mut out, times, like: [] });
            8
        }
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => {
            isa.run(Chains::<std::arch::x86_64::__m512> { out: &mut out, times, like: [] });
            16
        }
    };
    std::hint::black_box(out);
    2 * CHAINS * lanes * times
}

struct Chains<'a, V> {
    out: &'a mut [f32; 16],
    times: usize,
    like: [V; 0],
}

impl<V: Vector<N = f32>> Loop for Chains<'_, V> {
    #[inline(always)]
    fn run<T: Target>(self) {
        let Chains { out, times, like: [] } = self;
        // SAFETY: `multiply_add` runs this with vectors of the set that `Isa::run` compiles it for, and `out` has as
        // many numbers as the longest of them.
        unsafe {
            // Sums stay near 1, far from the numbers that some processors are slow with.
            let (factor, rest) = (V::splat(std::hint::black_box(0.5)), V::splat(std::hint::black_box(0.5)));
            let mut sums = [V::splat(1.0); CHAINS];
            for _ in 0..times {
                for sum in &mut sums {
                    *sum = sum.mul_add(factor, rest);
                }
            }
            sums.into_iter().reduce(|a, b| a.add(b)).unwrap_or(factor).store(out);
        }
    }
}

/// `out = a + factor·b`, each number read or written once.
pub(crate) struct Triad<'a> {
    pub(crate) out: &'a mut [f32],
    pub(crate) a: &'a [f32],
    pub(crate) b: &'a [f32],
    pub(crate) factor: f32,
}

impl Loop for Triad<'_> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for ((out, &a), &b) in self.out.iter_mut().zip(self.a).zip(self.b) {
            *out = T::mul_add(self.factor, b, a);
        }
    }
}
