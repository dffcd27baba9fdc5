//! The boundary to HDF5: groups, attributes and arrays. The crates behind it are named in this folder only.
//!
//! Reading is lazy: [`Reader::open`] walks the groups and refuses what reaches outside the file; arrays are read one
//! at a time, each against the type it must have. Writing takes a finished tree of [`Group`]s.

mod attribute;
mod convert;
mod element;
mod links;
mod lzf;
mod read;
mod storage;
mod tree;
mod write;

pub use attribute::Attribute;
pub use read::Reader;
pub use write::{Group, write};

use super::error::{FileError, Place};

/// How HDF5 files begin. A file may carry a block of other data before this, which Keras never writes.
pub const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// The parts of a path, which may begin with `/`. As in HDF5 itself, `.` is the group it stands in.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

/// The layout of an array that is put together from other files.
const VIRTUAL: u8 = 3;

/// What the reading library reports, as an error of ours.
fn from_library(at: &Place, error: hdf5_reader::error::Error) -> FileError {
    use hdf5_reader::error::Error;
    match error {
        Error::ResourceLimit(found) => at.too_large(found, "what a file of this size can need"),
        Error::UnsupportedFilter(found) => {
            at.refused(found, "only gzip, shuffle, fletcher32 and lzf can be read")
        }
        Error::UnsupportedLayoutClass(VIRTUAL) => {
            at.refused("a virtual array", "the file must hold its arrays itself")
        }
        Error::Context { source, .. } => from_library(at, *source),
        // The library's list of reasons may grow; all others are bytes that make no sense.
        other => at.corrupt(other),
    }
}
