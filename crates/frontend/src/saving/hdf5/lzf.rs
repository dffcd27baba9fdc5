//! The LZF filter of h5py, which the reading library leaves to its callers.

use hdf5_reader::error::{Error, Result};
use hdf5_reader::filters::FilterRegistry;

/// The number HDF5 gave the filter.
pub(super) const FILTER_LZF: u16 = 32000;

/// Most bytes one chunk decodes to; HDF5's default chunks are a thousandth of this.
pub(super) const MAX_CHUNK_BYTES: usize = 256 << 20;

/// Lets `registry` decode LZF.
pub(super) fn register(registry: &mut FilterRegistry) {
    registry.register(FILTER_LZF, Box::new(|_, data, _| decode(data)));
}

/// Undoes LZF: runs of literal bytes, and references to what was already written.
fn decode(data: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len() * 2);
    let mut rest = data;
    while let Some((&control, tail)) = rest.split_first() {
        let control = usize::from(control);
        if control < 32 {
            let (literal, tail) = tail.split_at_checked(control + 1).ok_or_else(truncated)?;
            out.extend_from_slice(literal);
            rest = tail;
        } else {
            rest = copy(control, tail, &mut out)?;
        }
        if out.len() > MAX_CHUNK_BYTES {
            return Err(Error::ResourceLimit("the decoded size of a chunk".into()));
        }
    }
    Ok(out)
}

/// Repeats earlier output: three bits of length, one more byte of it when they are all set, 13 bits of distance.
fn copy<'a>(control: usize, tail: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8]> {
    let mut bytes = tail.iter();
    let mut next = || bytes.next().copied().map(usize::from).ok_or_else(truncated);
    let mut len = control >> 5;
    if len == 7 {
        len += next()?;
    }
    let distance = ((control & 31) << 8) + next()? + 1;
    let from = out.len().checked_sub(distance);
    let from = from.ok_or_else(|| Error::DecompressionError("LZF refers to before the start".into()))?;
    for at in from..from + len + 2 {
        // The copy may overlap what it appends: that is how runs are stored.
        out.push(out[at]);
    }
    Ok(bytes.as_slice())
}

fn truncated() -> Error {
    Error::DecompressionError("LZF ends in the middle".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_runs_and_long_references() {
        assert_eq!(decode(&[2, b'a', b'b', b'c']).expect("literal"), b"abc");
        assert_eq!(decode(&[0, b'x', 0x20, 0]).expect("run"), b"xxxx");
        assert_eq!(decode(&[0, b'x', 0xe0, 250, 0]).expect("long run"), vec![b'x'; 1 + 7 + 250 + 2]);
    }

    #[test]
    fn nonsense_is_an_error() {
        for bad in [&[5u8, 1][..], &[0x20], &[0x20, 0], &[0, 1, 0xe0], &[0, 1, 0x20, 9]] {
            assert!(decode(bad).is_err(), "{bad:?}");
        }
    }
}
