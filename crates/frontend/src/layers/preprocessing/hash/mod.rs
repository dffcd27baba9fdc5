//! Hashes of text, the same on every machine: what Keras's hashing layers take from TensorFlow.

mod farm;
mod sip;

pub(super) use farm::fingerprint64;
use sip::siphash24;

/// How a string finds its bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StringHash {
    /// FarmHash's 64-bit fingerprint: fast, and the same for everybody.
    Farm,
    /// SipHash-2-4 under a key of two words: an adversary who does not know it cannot aim at one bin.
    Sip([u64; 2]),
}

impl StringHash {
    /// Keras's `salt`: none, or one or two whole numbers.
    pub(super) fn salted(salt: Option<[i64; 2]>) -> StringHash {
        salt.map_or(StringHash::Farm, |[a, b]| StringHash::Sip([a as u64, b as u64]))
    }

    /// The bin, of `bins`, that this text falls into.
    pub(super) fn bin(self, text: &str, bins: usize) -> i64 {
        let hash = match self {
            StringHash::Farm => fingerprint64(text.as_bytes()),
            StringHash::Sip(key) => siphash24(key, text.as_bytes()),
        };
        (hash % bins.max(1) as u64) as i64
    }
}

const MIX: u64 = 0xc6a4_a793_5bd1_e995;

/// One fingerprint of two, as TensorFlow combines those of crossed columns.
pub(super) fn combine(first: u64, second: u64) -> u64 {
    let shift = |value: u64| value ^ (value >> 47);
    let mixed = (first ^ MIX) ^ shift(second.wrapping_mul(MIX)).wrapping_mul(MIX);
    shift(shift(mixed.wrapping_mul(MIX)).wrapping_mul(MIX))
}

/// Eight bytes from `at` on, little end first.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte))
}
