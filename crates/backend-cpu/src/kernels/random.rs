//! Random bits: Philox 4x32-10, many blocks at a time.

use super::{BufferIndex, Site, Task};
use crate::parallel::Pieces;
use crate::simd::{Loop, Target};

/// Blocks that are computed together, one to a lane.
const LANES: usize = 16;
/// Words of a block.
const WORDS: usize = 4;

/// Random words: element `i` is word `i % 4` of block `i / 4`.
pub(crate) struct RandomTask {
    pub(crate) key: BufferIndex,
    pub(crate) counter: BufferIndex,
    pub(crate) to: BufferIndex,
    pub(crate) elements: usize,
}

impl RandomTask {
    fn cut(&self) -> Pieces {
        Pieces::new(self.elements, 1 << 13, LANES * WORDS)
    }
}

impl Task for RandomTask {
    fn pieces(&self) -> usize {
        self.cut().count()
    }

    fn run(&self, piece: usize, at: &mut Site<'_>) {
        let pair = |buffer: BufferIndex| {
            let words = at.buffers.read::<u32>(buffer);
            [words[0], words[1]]
        };
        let (key, counter) = (pair(self.key), pair(self.counter));
        let range = self.cut().range(piece);
        let first = (range.start / WORDS) as u64;
        // SAFETY: pieces are different stretches.
        let out = unsafe { at.buffers.write::<u32>(self.to, range) };
        at.isa.run(Philox { key, counter, first, out });
    }
}

/// The words of consecutive blocks.
struct Philox<'a> {
    key: [u32; 2],
    counter: [u32; 2],
    first: u64,
    out: &'a mut [u32],
}

impl Loop for Philox<'_> {
    #[inline(always)]
    fn run<T: Target>(self) {
        for (group, out) in self.out.chunks_mut(LANES * WORDS).enumerate() {
            let words = blocks(self.first + (group * LANES) as u64, self.counter, self.key);
            for (lane, out) in out.chunks_mut(WORDS).enumerate() {
                out.iter_mut().zip(&words).for_each(|(out, word)| *out = word[lane]);
            }
        }
    }
}

/// The blocks from number `first` on, a lane each: word by word, so that every step is one vector operation.
#[inline(always)]
fn blocks(first: u64, counter: [u32; 2], key: [u32; 2]) -> [[u32; LANES]; WORDS] {
    let numbers: [u64; LANES] = std::array::from_fn(|lane| first + lane as u64);
    let mut a = numbers.map(|number| number as u32);
    let mut b = numbers.map(|number| (number >> 32) as u32);
    let (mut c, mut d) = ([counter[0]; LANES], [counter[1]; LANES]);
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        for lane in 0..LANES {
            let left = u64::from(a[lane]) * 0xD251_1F53;
            let right = u64::from(c[lane]) * 0xCD9E_8D57;
            (a[lane], b[lane]) = ((right >> 32) as u32 ^ b[lane] ^ k0, right as u32);
            (c[lane], d[lane]) = ((left >> 32) as u32 ^ d[lane] ^ k1, left as u32);
        }
        (k0, k1) = (k0.wrapping_add(0x9E37_79B9), k1.wrapping_add(0xBB67_AE85));
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use cornu_ir::ops::philox4x32;

    #[test]
    fn lanes_agree_with_the_definition() {
        for first in [0, 1, 12345, u64::from(u32::MAX) - 3] {
            let (counter, key) = ([7, 8], [0xdead_beef, 42]);
            let words = blocks(first, counter, key);
            for lane in 0..LANES {
                let number = first + lane as u64;
                let exact = philox4x32([number as u32, (number >> 32) as u32, counter[0], counter[1]], key);
                assert_eq!(words.map(|word| word[lane]), exact);
            }
        }
    }
}
