//! Squares of numbers turned in registers: a few shuffles in place of a load and a store for each number.

use super::{Isa, Set};

/// Rows and columns of a square: a cache line of each row.
pub(crate) const SIDE: usize = 16;

/// Writes number `j` of row `i` of a square to place `i` of row `j`. Rows are `row` apart, and `strip` where they are
/// written. False if the instruction set has no way that is better than number by number.
#[inline(always)]
pub(crate) fn turn(isa: Isa, from: &[f32], row: usize, out: &mut [f32], strip: usize) -> bool {
    match isa.0 {
        Set::Portable => false,
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => false,
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => {
            let last = SIDE - 1;
            assert!(from.len() >= last * row + SIDE && out.len() >= last * strip + SIDE, "a whole square");
            // SAFETY: the machine has the set, as `isa` is the proof; and both squares lie within their slices.
            unsafe { turn_avx512(from.as_ptr(), row, out.as_mut_ptr(), strip) };
            true
        }
    }
}

/// # Safety
/// [`SIDE`] numbers lie at `from` and in each of as many rows, `row` apart; and there is room for them at `out`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
unsafe fn turn_avx512(from: *const f32, row: usize, out: *mut f32, strip: usize) {
    use std::arch::x86_64::*;
    for column in (0..SIDE).step_by(4) {
        // Four numbers of row `i` and of each fourth row after it.
        let gather = |i: usize| {
            // SAFETY: as the caller promises.
            let four = |i: usize| unsafe { _mm_loadu_ps(from.add(i * row + column)) };
            let low = _mm512_insertf32x4::<1>(_mm512_castps128_ps512(four(i)), four(i + 4));
            _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(low, four(i + 8)), four(i + 12))
        };
        let [a, b, c, d] = [gather(0), gather(1), gather(2), gather(3)];
        let ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
        let cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
        let ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
        let cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
        let columns = [
            _mm512_unpacklo_pd(ab, cd),
            _mm512_unpackhi_pd(ab, cd),
            _mm512_unpacklo_pd(ab_high, cd_high),
            _mm512_unpackhi_pd(ab_high, cd_high),
        ];
        for (j, numbers) in columns.into_iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { _mm512_storeu_ps(out.add((column + j) * strip), _mm512_castpd_ps(numbers)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let (row, strip) = (19, 32);
        let from: Vec<f32> = (0..16 * row).map(|i| i as f32).collect();
        for isa in Isa::available() {
            let mut out = vec![-1.0; 16 * strip];
            if turn(isa, &from, row, &mut out, strip) {
                for (i, j) in (0..SIDE).flat_map(|i| (0..SIDE).map(move |j| (i, j))) {
                    assert_eq!(out[j * strip + i], from[i * row + j], "{i}, {j}");
                }
            }
        }
    }
}
