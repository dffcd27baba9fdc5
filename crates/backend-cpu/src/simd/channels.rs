//! Products channel by channel: rows of channels that lie anywhere, each times a row of factors, summed in registers.

use super::fold::Summed;
use super::number::Number;
use super::rows::{ZEROS, write};
use super::sliding_channels::{SlidingChannelTiles, SlidingChannels};
use super::vector::{Lanes, Vector};
use super::{Isa, Loop, Set, Target};

/// For each of `rows` rows the sum over `depth` of what a run holds times a row of factors.
pub(crate) struct ChannelProduct<'a, N> {
    /// Run number `i` begins at `i·channels`.
    pub(crate) from: &'a [N],
    /// The runs, or [`ZEROS`]; those of a row are `steps[1]` apart, those of neighbouring rows `steps[0]`.
    pub(crate) runs: &'a [u32],
    pub(crate) steps: [usize; 2],
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    pub(crate) channels: usize,
    /// `depth` rows of channels.
    pub(crate) factors: &'a [N],
    /// For each row its place among the sums; `None` where they are in order.
    pub(crate) order: Option<&'a [u32]>,
    pub(crate) sums: &'a mut [N],
    /// Adds to what is there.
    pub(crate) adds: bool,
}

/// A number whose products channel by channel are known.
pub(crate) trait Channelwise: Summed {
    fn multiply_channels(isa: Isa, product: ChannelProduct<'_, Self>);

    /// The same where rows are places of lines, and channels are not few: see [`super::sliding_channels`].
    fn multiply_sliding_channels(isa: Isa, product: SlidingChannels<'_, Self>);
}

macro_rules! floats {
    ($($float:ident $portable:literal $avx2:ident $avx512:ident;)*) => {$(
        impl Channelwise for $float {
            fn multiply_channels(isa: Isa, product: ChannelProduct<'_, $float>) {
                if product.channels < isa.tile(size_of::<$float>()).columns / 2 {
                    return isa.run(ChannelTiles::<Lanes<$float, 1>, 4>(product));
                }
                match isa.0 {
                    Set::Portable => isa.run(ChannelTiles::<Lanes<$float, { $portable / 2 }>, 2>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(ChannelTiles::<std::arch::x86_64::$avx2, 2>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(ChannelTiles::<std::arch::x86_64::$avx512, 4>(product)),
                }
            }

            fn multiply_sliding_channels(isa: Isa, product: SlidingChannels<'_, $float>) {
                match isa.0 {
                    Set::Portable => isa.run(SlidingChannelTiles::<Lanes<$float, { $portable / 2 }>>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => isa.run(SlidingChannelTiles::<std::arch::x86_64::$avx2>(product)),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => isa.run(SlidingChannelTiles::<std::arch::x86_64::$avx512>(product)),
                }
            }
        }
    )*};
}

floats! {
    f32 8 __m256 __m512;
    f64 4 __m256d __m512d;
}

/// The product by vectors `V`, of which there are channels for at least one, `MR` rows at a time.
struct ChannelTiles<'a, V: Vector, const MR: usize>(ChannelProduct<'a, V::N>);

impl<V: Vector, const MR: usize> Loop for ChannelTiles<'_, V, MR> {
    #[inline(always)]
    fn run<T: Target>(mut self) {
        self.0.check();
        let channels = self.0.channels;
        assert!(channels >= V::LANES, "there are channels for a vector");
        let mut column = 0;
        while channels - column >= 4 * V::LANES {
            self.strip::<4>(column, 0);
            column += 4 * V::LANES;
        }
        if channels - column >= 2 * V::LANES {
            self.strip::<2>(column, 0);
            column += 2 * V::LANES;
        }
        if channels - column >= V::LANES {
            self.strip::<1>(column, 0);
            column += V::LANES;
        }
        if column < channels {
            // The last vector begins within the one before.
            let last = channels - V::LANES;
            self.strip::<1>(last, column - last);
        }
    }
}

impl<V: Vector, const MR: usize> ChannelTiles<'_, V, MR> {
    /// `NV` vectors of all rows, of which the first `known` channels are known already.
    #[inline(always)]
    fn strip<const NV: usize>(&mut self, column: usize, known: usize) {
        let ChannelProduct { rows, channels, order, adds, .. } = self.0;
        for row in (0..rows).step_by(MR) {
            // SAFETY: `multiply_channels` runs this with vectors of the set that `Isa::run` compiles it for; `run` has
            // checked the product, and asks for channels that there are.
            let sums = unsafe { self.tile::<NV>(row, column) };
            for (row, sums) in (row..rows).zip(&sums) {
                let place = order.map_or(row, |order| order[row] as usize);
                let out = &mut self.0.sums[place * channels + column..][..NV * V::LANES];
                // SAFETY: as above.
                unsafe {
                    if known == 0 {
                        write(sums, out, NV * V::LANES, !adds);
                    } else {
                        let before: [V::N; 16] =
                            std::array::from_fn(|i| out.get(i).copied().unwrap_or(V::N::ZERO));
                        write(sums, out, NV * V::LANES, !adds);
                        out[..known].copy_from_slice(&before[..known]);
                    }
                }
            }
        }
    }

    /// The sums of `MR` rows from `row` on. Where there are fewer, the last of them again and again.
    ///
    /// # Safety
    /// The machine has the instruction set of `V`; [`ChannelProduct::check`] has seen the product; and there are `NV`
    /// vectors of channels from `column` on.
    #[inline(always)]
    unsafe fn tile<const NV: usize>(&self, row: usize, column: usize) -> [[V; NV]; MR] {
        let ChannelProduct { from, runs, steps, rows, depth, channels, factors, .. } = self.0;
        let starts: [usize; MR] = std::array::from_fn(|i| (row + i).min(rows - 1) * steps[0]);
        // SAFETY: as the caller promises.
        unsafe {
            let (from, factors) = (from.as_ptr().add(column), factors.as_ptr().add(column));
            let mut sums = [[V::splat(V::N::ZERO); NV]; MR];
            for k in 0..depth {
                let factors = factors.add(k * channels);
                let factors: [V; NV] = std::array::from_fn(|j| V::load_at(factors.add(j * V::LANES)));
                for (sums, start) in sums.iter_mut().zip(starts) {
                    let run = *runs.get_unchecked(start + k * steps[1]);
                    if run == ZEROS {
                        continue;
                    }
                    let x = from.add(run as usize * channels);
                    for j in 0..NV {
                        sums[j] = V::load_at(x.add(j * V::LANES)).mul_add(factors[j], sums[j]);
                    }
                }
            }
            sums
        }
    }
}

impl<N> ChannelProduct<'_, N> {
    /// Panics unless all that the rows read is there; after that it is read unchecked.
    #[inline(always)]
    pub(super) fn check(&self) {
        let ChannelProduct { from, runs, steps, rows, depth, channels, factors, .. } = *self;
        let last = rows.saturating_sub(1) * steps[0] + depth.saturating_sub(1) * steps[1];
        assert!(rows * depth == 0 || last < runs.len(), "each row has its runs");
        assert!(depth * channels <= factors.len(), "each run has its factors");
        // Wrapping, no run at all becomes 0.
        let most = runs.iter().map(|run| run.wrapping_add(1)).max().unwrap_or(0);
        assert!(most as usize * channels <= from.len(), "runs lie within their memory");
    }
}
