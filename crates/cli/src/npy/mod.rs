//! NumPy's `.npy` and `.npz` files, read as untrusted data. Written here rather than taken from a crate because the
//! crates for it choose the element type before the file is opened, lack float16, or believe a shape before they
//! have compared it with the length of the file.

mod archive;
mod array;
mod header;
mod literal;
#[cfg(test)]
mod tests;
mod write;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use crate::error::Failure;

pub(crate) use array::Array;
pub(crate) use write::{write_archive, write_array};

/// What a file of arrays holds.
#[derive(Debug)]
pub(crate) enum Contents {
    /// `.npy`: one array without a name.
    One(Array),
    /// `.npz`: arrays by name, in the file's order.
    Named(Vec<(String, Array)>),
}

/// Reads a `.npy` or `.npz` file; as in NumPy, its first bytes say which it is.
pub(crate) fn read(path: &Path) -> Result<Contents, Failure> {
    let contents = open(path).and_then(|(mut file, length)| match first_bytes(&mut file)? {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => Ok(Contents::Named(archive::read(&mut file, length)?)),
        _ => Ok(Contents::One(array::read(&mut file, length)?)),
    });
    contents.map_err(|reason| Failure::new(format!("{}: {reason}", path.display())))
}

/// Opens a file and tells its length. Pipes are refused before they are opened, because opening one waits.
fn open(path: &Path) -> Result<(File, u64), String> {
    let found = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !found.is_file() {
        let kind = if found.is_dir() { "a directory" } else { "something that is not a file" };
        return Err(format!("this is {kind}; a .npy or .npz file is needed"));
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    Ok((file, length))
}

/// The first four bytes, zeros where the file is shorter; the file stands at its beginning again.
fn first_bytes(file: &mut File) -> Result<[u8; 4], String> {
    let mut start = [0; 4];
    let mut taken = 0;
    while taken < start.len() {
        match file.read(&mut start[taken..]).map_err(|error| error.to_string())? {
            0 => break,
            count => taken += count,
        }
    }
    file.rewind().map_err(|error| error.to_string())?;
    Ok(start)
}
