//! SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of 64 bits.

use super::word;

/// The hash of `bytes` under `key`.
pub(super) fn siphash24(key: [u64; 2], bytes: &[u8]) -> u64 {
    let mut state = [
        key[0] ^ 0x736f_6d65_7073_6575,
        key[1] ^ 0x646f_7261_6e64_6f6d,
        key[0] ^ 0x6c79_6765_6e65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    let whole = bytes.len() / 8 * 8;
    (0..whole).step_by(8).for_each(|at| absorb(&mut state, word(bytes, at)));
    // The last word ends in the length.
    let mut last = [0; 8];
    last[..bytes.len() - whole].copy_from_slice(&bytes[whole..]);
    absorb(&mut state, word(&last, 0) | ((bytes.len() as u64) << 56));
    state[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut state));
    state.iter().fold(0, |hash, part| hash ^ part)
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    round(state);
    state[0] ^= word;
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_paper() {
        // The paper's vectors: key 00 01 … 0f, message 00 01 02 ….
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(siphash24(key, &message), 0xa129_ca61_49be_45e5);
        assert_eq!(siphash24(key, &[]), 0x726f_db47_dd0e_0e31);
    }

    #[test]
    fn bins_are_those_of_tensorflow() {
        // `tf.strings.to_hash_bucket_strong(…, 2**62, key=[133, 137])`
        for (text, hash) in [
            ("", 316627932347062996),
            ("cj", 2344700743583171343),
            ("ipwdkryf", 2263706448675786054),
            ("ryfmtahovcjqxelsz", 3483545164760043303),
        ] {
            assert_eq!(siphash24([133, 137], text.as_bytes()) % (1 << 62), hash, "{text}");
        }
    }
}
