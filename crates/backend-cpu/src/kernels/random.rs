//! Random bits: Philox 4x32-10, many blocks at a time.

use super::{BufferIndex, Site, Task};
use crate::pieces::Pieces;
use crate::simd::{Loop, Target};

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
        Pieces::new(self.elements, 1 << 13, 16 * WORDS)
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
        let (blocks, rest) = self.out.as_chunks_mut::<WORDS>();
        let after = self.first + blocks.len() as u64;
        for (number, out) in (self.first..).zip(blocks) {
            *out = block(number, self.counter, self.key);
        }
        let last = block(after, self.counter, self.key);
        rest.iter_mut().zip(last).for_each(|(out, word)| *out = word);
    }
}

/// One block. Straight code without memory, so that the compiler puts a block into each lane of a vector.
#[inline(always)]
fn block(number: u64, counter: [u32; 2], key: [u32; 2]) -> [u32; WORDS] {
    let [mut a, mut b] = [number as u32, (number >> 32) as u32];
    let [mut c, mut d] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        let (left, right) = (u64::from(a) * 0xD251_1F53, u64::from(c) * 0xCD9E_8D57);
        (a, b) = ((right >> 32) as u32 ^ b ^ k0, right as u32);
        (c, d) = ((left >> 32) as u32 ^ d ^ k1, left as u32);
        (k0, k1) = (k0.wrapping_add(0x9E37_79B9), k1.wrapping_add(0xBB67_AE85));
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;
    use cornu_ir::ops::philox4x32;

    #[test]
    fn every_instruction_set_agrees_with_the_definition() {
        let (counter, key) = ([7, 8], [0xdead_beef, 42]);
        for isa in Isa::available() {
            for first in [0, 1, 12345, u64::from(u32::MAX) - 3] {
                let mut out = [0; 103];
                isa.run(Philox { key, counter, first, out: &mut out });
                for (i, word) in out.into_iter().enumerate() {
                    let number = first + (i / WORDS) as u64;
                    let exact =
                        philox4x32([number as u32, (number >> 32) as u32, counter[0], counter[1]], key);
                    assert_eq!(word, exact[i % WORDS], "{} {first} {i}", isa.name());
                }
            }
        }
    }
}
