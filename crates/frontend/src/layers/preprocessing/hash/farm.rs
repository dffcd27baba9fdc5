//! FarmHash's 64-bit fingerprint (Pike, 2014), which TensorFlow calls `farmhash64`. It will never change.

use super::word;

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// The fingerprint of `bytes`.
pub(in super::super) fn fingerprint64(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0..=16 => up_to_16(bytes),
        17..=32 => up_to_32(bytes),
        33..=64 => up_to_64(bytes),
        _ => longer(bytes),
    }
}

/// `a·b` modulo 2⁶⁴.
fn times(a: u64, b: u64) -> u64 {
    a.wrapping_mul(b)
}

/// The sum modulo 2⁶⁴.
fn sum<const N: usize>(terms: [u64; N]) -> u64 {
    terms.into_iter().fold(0, u64::wrapping_add)
}

fn rotate(value: u64, distance: u32) -> u64 {
    value.rotate_right(distance)
}

fn shift_mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

fn half_word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 4].iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte))
}

/// 16 bytes into 8.
fn mix(u: u64, v: u64, factor: u64) -> u64 {
    let a = shift_mix(times(u ^ v, factor));
    times(shift_mix(times(v ^ a, factor)), factor)
}

/// A factor that depends on the length, so that padding changes the hash.
fn factor(bytes: &[u8]) -> u64 {
    K2.wrapping_add(bytes.len() as u64 * 2)
}

fn up_to_16(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    let factor = factor(bytes);
    match length {
        0 => K2,
        1..=3 => {
            let byte = |at: usize| u32::from(bytes[at]);
            let y = byte(0).wrapping_add(byte(length >> 1) << 8);
            let z = (length as u32).wrapping_add(byte(length - 1) << 2);
            times(shift_mix(times(u64::from(y), K2) ^ times(u64::from(z), K0)), K2)
        }
        4..=7 => mix(length as u64 + (half_word(bytes, 0) << 3), half_word(bytes, length - 4), factor),
        _ => {
            let a = sum([word(bytes, 0), K2]);
            let b = word(bytes, length - 8);
            let c = sum([times(rotate(b, 37), factor), a]);
            let d = times(sum([rotate(a, 25), b]), factor);
            mix(c, d, factor)
        }
    }
}

fn up_to_32(bytes: &[u8]) -> u64 {
    let (length, factor) = (bytes.len(), factor(bytes));
    let a = times(word(bytes, 0), K1);
    let b = word(bytes, 8);
    let c = times(word(bytes, length - 8), factor);
    let d = times(word(bytes, length - 16), K2);
    let u = sum([rotate(sum([a, b]), 43), rotate(c, 30), d]);
    mix(u, sum([a, rotate(sum([b, K2]), 18), c]), factor)
}

fn up_to_64(bytes: &[u8]) -> u64 {
    let (length, factor) = (bytes.len(), factor(bytes));
    let a = times(word(bytes, 0), K2);
    let b = word(bytes, 8);
    let c = times(word(bytes, length - 8), factor);
    let d = times(word(bytes, length - 16), K2);
    let y = sum([rotate(sum([a, b]), 43), rotate(c, 30), d]);
    let z = mix(y, sum([a, rotate(sum([b, K2]), 18), c]), factor);
    let e = times(word(bytes, 16), factor);
    let f = word(bytes, 24);
    let g = times(sum([y, word(bytes, length - 32)]), factor);
    let h = times(sum([z, word(bytes, length - 24)]), factor);
    mix(sum([rotate(sum([e, f]), 43), rotate(g, 30), h]), sum([e, rotate(sum([f, a]), 18), g]), factor)
}

/// The state of the loop over blocks of 64 bytes.
struct State {
    x: u64,
    y: u64,
    z: u64,
    v: (u64, u64),
    w: (u64, u64),
}

impl State {
    fn new(bytes: &[u8]) -> State {
        let seed = 81;
        let y = sum([times(seed, K1), 113]);
        let z = times(shift_mix(sum([times(y, K2), 113])), K2);
        State { x: sum([times(seed, K2), word(bytes, 0)]), y, z, v: (0, 0), w: (0, 0) }
    }

    /// One block from `at` on. The last one weighs two terms by 9.
    fn absorb(&mut self, bytes: &[u8], at: usize, factor: u64, weight: u64) {
        let State { x, y, z, v, w } = self;
        let text = |offset: usize| word(bytes, at + offset);
        *x = times(rotate(sum([*x, *y, v.0, text(8)]), 37), factor) ^ times(w.1, weight);
        *y = times(rotate(sum([*y, v.1, text(48)]), 42), factor);
        *y = sum([*y, times(v.0, weight), text(40)]);
        *z = times(rotate(sum([*z, w.0]), 33), factor);
        *v = half_block(bytes, at, times(v.1, factor), sum([*x, w.0]));
        *w = half_block(bytes, at + 32, sum([*z, w.1]), sum([*y, text(16)]));
        std::mem::swap(x, z);
    }
}

/// 32 bytes and two seeds into two words.
fn half_block(bytes: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let text = |offset: usize| word(bytes, at + offset);
    let a = sum([a, text(0)]);
    let b = rotate(sum([b, a, text(24)]), 21);
    let c = sum([a, text(8), text(16)]);
    (sum([c, text(24)]), sum([b, rotate(c, 44), a]))
}

fn longer(bytes: &[u8]) -> u64 {
    let mut state = State::new(bytes);
    let end = (bytes.len() - 1) / 64 * 64;
    (0..end).step_by(64).for_each(|at| state.absorb(bytes, at, K1, 1));
    // The last 64 bytes, which may overlap the block before.
    let factor = K1.wrapping_add((state.z & 0xff) << 1);
    state.w.0 = sum([state.w.0, (bytes.len() as u64 - 1) & 63]);
    state.v.0 = sum([state.v.0, state.w.0]);
    state.w.0 = sum([state.w.0, state.v.0]);
    state.absorb(bytes, bytes.len() - 64, factor, 9);
    let State { x, y, z, v, w } = state;
    let first = sum([mix(v.0, w.0, factor), times(shift_mix(y), K0), z]);
    mix(first, sum([mix(v.1, w.1, factor), x]), factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tf.fingerprint` of texts of this length, whose byte `i` is the letter `(7·i + length) mod 26`.
    const KNOWN: [(usize, u64); 18] = [
        (0, 0x9ae16a3b2f90404f),
        (1, 0xa3b260215ec8f116),
        (2, 0x9c9aab5646dd8dbc),
        (3, 0xf79520f4c18b49eb),
        (4, 0x4891d9d84a7d0aca),
        (7, 0x204b0debc51c118e),
        (8, 0xeb238b266f60ab19),
        (15, 0xb268eb76c192ea90),
        (16, 0x35054fa74179d981),
        (17, 0xe28d80bfc51585c7),
        (32, 0x01c5ae063c078260),
        (33, 0xba2c9e2ef248af32),
        (64, 0x23511dfc408ff4e9),
        (65, 0x71835d3a14ab6ea1),
        (127, 0x07bf8096fdcf584a),
        (128, 0x6c5ba033d1bf686f),
        (129, 0x9e2c2c6f5b2731d2),
        (200, 0x32e15e204f6f05d8),
    ];

    #[test]
    fn fingerprints_are_those_of_tensorflow() {
        for (length, fingerprint) in KNOWN {
            let bytes: Vec<u8> = (0..length).map(|i| b'a' + ((i * 7 + length) % 26) as u8).collect();
            assert_eq!(fingerprint64(&bytes), fingerprint, "length {length}");
        }
    }
}
