//! The head of a `.npy` file: magic, version, and what the dictionary says, checked against the length of the file.

use std::io::Read;

use super::literal::{self, Entries};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest dictionary that is read. Version 1 cannot say more, and NumPy's own limit is 10,000.
const LONGEST: usize = u16::MAX as usize;

/// NumPy's own limit on the number of axes.
const MOST_AXES: usize = 64;

/// Type of one element in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
}

impl Kind {
    /// Bytes of one element.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Kind::Bool | Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 | Kind::F16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }
}

/// What is known of an array before its elements are read.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) big_endian: bool,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
    /// Bytes of all elements together: exactly what follows the header.
    pub(crate) data_bytes: usize,
}

/// Reads the head of a file of `length` bytes in all, and makes sure that the rest is the array.
pub(crate) fn read(reader: &mut impl Read, length: u64) -> Result<Header, String> {
    let (dictionary, head_bytes) = dictionary(reader)?;
    let entries = literal::parse(&dictionary)?;
    let (kind, big_endian) = element(&entries.descr)?;
    let data_bytes = size(&entries, kind)?;
    let there = length.saturating_sub(head_bytes as u64);
    if data_bytes as u64 != there {
        let Entries { shape, descr, .. } = &entries;
        return Err(format!(
            "an array of shape {shape:?} and type {descr} is {data_bytes} bytes; {there} are there"
        ));
    }
    let shape = entries.shape.iter().map(|&size| size as usize).collect();
    Ok(Header { kind, big_endian, fortran_order: entries.fortran_order, shape, data_bytes })
}

/// The text of the dictionary, and how many bytes were read in all.
fn dictionary(reader: &mut impl Read) -> Result<(String, usize), String> {
    let mut start = [0; 8];
    fill(reader, &mut start)?;
    if start[..6] != *MAGIC {
        return Err("this is neither a .npy nor a .npz file".to_string());
    }
    let (stated, prefix) = match start[6..] {
        [1, 0] => {
            let mut size = [0; 2];
            fill(reader, &mut size)?;
            (usize::from(u16::from_le_bytes(size)), 10)
        }
        [2 | 3, 0] => {
            let mut size = [0; 4];
            fill(reader, &mut size)?;
            (u32::from_le_bytes(size) as usize, 12)
        }
        _ => return Err(format!(".npy version {}.{} is not known; 1.0 to 3.0 are", start[6], start[7])),
    };
    if stated > LONGEST {
        return Err(format!("the header claims {stated} bytes; {LONGEST} are allowed"));
    }
    let mut text = vec![0; stated];
    fill(reader, &mut text)?;
    // Versions 1 and 2 are Latin-1, version 3 is UTF-8; whatever is not ASCII can only stand in names of fields.
    Ok((String::from_utf8_lossy(&text).into_owned(), prefix + stated))
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), String> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the file ends within its header".to_string(),
        _ => error.to_string(),
    })
}

/// Reads NumPy's letters for an element type, and whether the bytes are in big-endian order.
fn element(descr: &str) -> Result<(Kind, bool), String> {
    let (big_endian, letters) = match descr.split_at_checked(1) {
        Some(("<", letters)) => (false, letters),
        Some((">", letters)) => (true, letters),
        Some(("|" | "=", letters)) => (cfg!(target_endian = "big"), letters),
        _ => (cfg!(target_endian = "big"), descr),
    };
    let kind = match letters {
        "b1" => Kind::Bool,
        "i1" => Kind::I8,
        "i2" => Kind::I16,
        "i4" => Kind::I32,
        "i8" => Kind::I64,
        "u1" => Kind::U8,
        "u2" => Kind::U16,
        "u4" => Kind::U32,
        "u8" => Kind::U64,
        "f2" => Kind::F16,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        _ => return Err(format!("elements of type '{descr}' ({}) are not taken", what(letters))),
    };
    Ok((kind, big_endian))
}

fn what(letters: &str) -> &'static str {
    match letters.chars().next() {
        Some('c') => "complex numbers",
        Some('O') => "Python objects",
        Some('U' | 'S' | 'a') => "strings",
        Some('M' | 'm') => "dates and times",
        Some('V') => "raw bytes or records",
        _ => "bool, integers of 1 to 8 bytes and floats of 2, 4 and 8 bytes are",
    }
}

fn size(entries: &Entries, kind: Kind) -> Result<usize, String> {
    let shape = &entries.shape;
    if shape.len() > MOST_AXES {
        return Err(format!("an array of {} axes; {MOST_AXES} are allowed", shape.len()));
    }
    let sizes = shape.iter().map(|&size| usize::try_from(size).ok());
    // Axes of size 0 are counted as 1, so that the strides of an empty array are sound too.
    let bytes = sizes.clone().try_fold(kind.bytes(), |bytes, size| bytes.checked_mul(size?.max(1)));
    match bytes.filter(|&bytes| bytes <= isize::MAX as usize) {
        None => Err(format!("an array of shape {shape:?} does not fit into memory")),
        Some(_) if shape.contains(&0) => Ok(0),
        Some(bytes) => Ok(bytes),
    }
}
