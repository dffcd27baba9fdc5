//! Writing: a tree of groups, given whole, in one pass.

use std::collections::BTreeMap;
use std::io;

use cornu_ir::{DType, Data, Tensor};
use hdf5_pure::{
    AttrValue, Datatype, DatatypeByteOrder, EnumTypeBuilder, FileBuilder, FinishedGroup, FloatingPointLayout,
    GroupBuilder, LibVer,
};

use super::element::BFLOAT16;
use crate::saving::error::{FileError, Place};

/// A group to be written: attributes, arrays and further groups. Arrays are borrowed.
#[derive(Debug, Default)]
pub struct Group<'a> {
    attributes: Vec<(String, AttrValue)>,
    arrays: BTreeMap<String, &'a Tensor>,
    groups: BTreeMap<String, Group<'a>>,
}

/// Longest attribute that fits an object header; Keras's number.
const MAX_ATTRIBUTE_BYTES: usize = 64512;
/// What a text of variable length takes in its attribute: a reference to the text.
const REFERENCE_BYTES: usize = 16;

impl<'a> Group<'a> {
    /// The group at `path` below this one, made with all on the way to it if it is not there.
    pub fn at(&mut self, path: &str) -> &mut Group<'a> {
        let mut group = self;
        for part in super::parts(path) {
            group = group.groups.entry(part.to_owned()).or_default();
        }
        group
    }

    /// Adds an array; `/` in its name makes groups. False when the place is taken.
    #[must_use]
    pub fn array(&mut self, name: &str, tensor: &'a Tensor) -> bool {
        let (path, name) = name.rsplit_once('/').unwrap_or(("", name));
        let group = self.at(path);
        let free = !name.is_empty() && !group.arrays.contains_key(name) && !group.groups.contains_key(name);
        if free {
            group.arrays.insert(name.to_owned(), tensor);
        }
        free
    }

    /// A text, as h5py writes a Python `str`.
    pub fn text(&mut self, name: &str, text: &str) {
        self.attributes.push((name.to_owned(), AttrValue::VarLenString(text.to_owned())));
    }

    /// A text, as h5py writes Python `bytes`.
    pub fn ascii(&mut self, name: &str, text: &str) {
        self.attributes.push((name.to_owned(), AttrValue::VarLenAsciiString(text.to_owned())));
    }

    /// A list of texts as Keras writes one: of variable length while it fits an object header, else split evenly over
    /// `name0`, `name1`, … of fixed length; floats when it is empty. False when a single text is too long.
    #[must_use]
    pub fn texts(&mut self, name: &str, texts: &[String]) -> bool {
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        if longest > MAX_ATTRIBUTE_BYTES {
            return false;
        }
        if texts.is_empty() {
            self.attributes.push((name.to_owned(), AttrValue::F64Array(Vec::new())));
        } else if texts.len() * longest.max(REFERENCE_BYTES) <= MAX_ATTRIBUTE_BYTES {
            self.attributes.push((name.to_owned(), AttrValue::VarLenAsciiStringArray(texts.to_vec())));
        } else {
            let width = u32::try_from(longest).unwrap_or(u32::MAX);
            for (n, piece) in pieces(texts, longest).into_iter().enumerate() {
                let Ok(value) = AttrValue::ascii_string_array_sized(piece.to_vec(), width) else {
                    return false;
                };
                self.attributes.push((format!("{name}{n}"), value));
            }
        }
        true
    }
}

/// The fewest equal pieces that fit, the first ones longer by one: numpy's `array_split`. Every text takes `width`
/// bytes.
fn pieces(texts: &[String], width: usize) -> Vec<&[String]> {
    let count = texts.len().div_ceil(MAX_ATTRIBUTE_BYTES / width.max(1)).max(1);
    let (size, longer) = (texts.len() / count, texts.len() % count);
    let mut rest = texts;
    let take = |n| {
        let (piece, tail) = rest.split_at(size + usize::from(n < longer));
        rest = tail;
        piece
    };
    (0..count).map(take).collect()
}

/// Writes a file whose root is `root` to `out`; `at` is what errors call it.
pub fn write(root: Group<'_>, at: &Place, out: impl io::Write) -> Result<(), FileError> {
    let mut file = FileBuilder::new();
    // The oldest format the library can write, for the sake of older readers.
    file.with_libver_bounds(LibVer::Earliest, LibVer::V18);
    for (name, value) in root.attributes {
        file.set_attr(&name, value);
    }
    for (name, tensor) in &root.arrays {
        fill(file.create_dataset(name), tensor, at)?;
    }
    for (name, group) in root.groups {
        let builder = file.create_group(&name);
        file.add_group(finished(builder, group, at)?);
    }
    file.finish_to(out).map_err(|e| failed(at, e))
}

fn finished(mut builder: GroupBuilder, group: Group<'_>, at: &Place) -> Result<FinishedGroup, FileError> {
    for (name, value) in group.attributes {
        builder.set_attr(&name, value);
    }
    for (name, tensor) in &group.arrays {
        fill(builder.create_dataset(name), tensor, at)?;
    }
    for (name, group) in group.groups {
        let inner = builder.create_group(&name);
        builder.add_group(finished(inner, group, at)?);
    }
    Ok(builder.finish())
}

fn fill(dataset: &mut hdf5_pure::DatasetBuilder, tensor: &Tensor, at: &Place) -> Result<(), FileError> {
    let shape: Vec<u64> = tensor.shape().iter().map(|&size| size as u64).collect();
    let datatype = datatype(tensor.dtype()).map_err(|e| failed(at, hdf5_pure::Error::from(e)))?;
    dataset.with_raw_data(datatype, bytes(tensor.data()), tensor.data().len() as u64).with_shape(&shape);
    if tensor.dtype() == DType::BF16 {
        dataset.set_attr("dtype", AttrValue::VarLenString(BFLOAT16.to_owned()));
    }
    Ok(())
}

fn failed(at: &Place, error: hdf5_pure::Error) -> FileError {
    match error {
        hdf5_pure::Error::Io(source) => at.io("write", source),
        other => at.refused(other, "HDF5 must be able to hold it"),
    }
}

/// The datatype h5py chooses for the numpy type of this name.
fn datatype(dtype: DType) -> Result<Datatype, hdf5_pure::FormatError> {
    Ok(match dtype {
        DType::F32 => hdf5_pure::make_f32_type(),
        DType::F64 => hdf5_pure::make_f64_type(),
        DType::F16 => half_type(),
        DType::BF16 => Datatype::Opaque { size: 2, tag: Vec::new() },
        DType::I32 => hdf5_pure::make_i32_type(),
        DType::I64 => hdf5_pure::make_i64_type(),
        DType::U8 => hdf5_pure::make_u8_type(),
        DType::U32 => hdf5_pure::make_u32_type(),
        DType::Bool => bool_type()?,
    })
}

fn half_type() -> Datatype {
    Datatype::FloatingPoint {
        size: 2,
        byte_order: DatatypeByteOrder::LittleEndian,
        layout: FloatingPointLayout {
            bit_offset: 0,
            bit_precision: 16,
            exponent_location: 10,
            exponent_size: 5,
            mantissa_location: 0,
            mantissa_size: 10,
            exponent_bias: 15,
        },
    }
}

fn bool_type() -> Result<Datatype, hdf5_pure::FormatError> {
    let byte = hdf5_pure::make_i8_type();
    EnumTypeBuilder::with_base(byte).raw_value("FALSE", &[0]).raw_value("TRUE", &[1]).build()
}

/// The elements, little-endian.
fn bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::F64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::BF16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::F16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::U8(v) => v.clone(),
        Data::U32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::Bool(v) => v.iter().map(|&x| u8::from(x)).collect(),
    }
}
