//! Attributes of groups and arrays: the few kinds that Keras writes.

use hdf5_reader::group::Group;
use hdf5_reader::io::Cursor;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::attribute::AttributeMessage;
use hdf5_reader::{ByteOrder, Datatype, Hdf5File, StringPadding, StringSize, VarLenKind};

use super::from_library;
use crate::saving::error::{FileError, Place};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// One text, of fixed or variable length.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// One whole number.
    Integer(i64),
    /// A list without items: Keras writes them as floats.
    Empty,
}

/// Most bytes of text in one attribute: a reference of sixteen bytes can stand for a text of any length.
const MAX_TEXT: usize = 256 << 20;
/// Most attributes of one object. Keras needs a handful, and one for every 64 kB of names.
const MAX_ATTRIBUTES: usize = 4096;

/// The attribute `name` among the `messages` of the object at `at`. Those of objects with very many attributes lie
/// outside their header; `all` fetches them.
pub(super) fn find(
    file: &Hdf5File,
    at: &Place,
    name: &str,
    messages: &[HdfMessage],
    all: impl FnOnce() -> hdf5_reader::error::Result<Vec<AttributeMessage>>,
) -> Result<Option<Attribute>, FileError> {
    let mut count = 0;
    let mut elsewhere = false;
    for message in messages {
        match message {
            HdfMessage::Attribute(message) if message.name == name => {
                return value(file, at, message).map(Some);
            }
            HdfMessage::Attribute(_) => count += 1,
            HdfMessage::AttributeInfo(info) => {
                let size = file.superblock().offset_size;
                elsewhere |= !Cursor::is_undefined_offset(info.fractal_heap_address, size);
            }
            // The library's messages, of which only these two concern attributes.
            _ => {}
        }
    }
    if count > MAX_ATTRIBUTES {
        return Err(at.too_large(format!("{count} attributes"), MAX_ATTRIBUTES));
    }
    if !elsewhere {
        return Ok(None);
    }
    let found = all().map_err(|e| from_library(at, e))?.into_iter().find(|message| message.name == name);
    found.map(|message| value(file, at, &message)).transpose()
}

fn value(file: &Hdf5File, at: &Place, message: &AttributeMessage) -> Result<Attribute, FileError> {
    let at = at.inside(&format!("attribute {}", message.name));
    let count = message.dataspace.num_elements().map_err(|e| at.corrupt(e))?;
    if count == 0 {
        return Ok(Attribute::Empty);
    }
    let is_list = !message.dataspace.dims.is_empty();
    let texts = match &message.datatype {
        Datatype::String { size: StringSize::Fixed(width), padding, .. } => {
            fixed_texts(&at, message, count, *width as usize, *padding)?
        }
        Datatype::VarLen { kind: VarLenKind::String, .. }
        | Datatype::String { size: StringSize::Variable, .. } => variable_texts(file, &at, message, count)?,
        Datatype::FixedPoint { signed, byte_order, .. } if count == 1 => {
            return integer(&message.raw_data, *signed, *byte_order)
                .map(Attribute::Integer)
                .ok_or_else(|| at.mismatch("an integer beyond 64 bits", "a smaller one"));
        }
        other => return Err(at.mismatch(kind(other), "text")),
    };
    match <[String; 1]>::try_from(texts) {
        Ok([text]) if !is_list => Ok(Attribute::Text(text)),
        Ok(one) => Ok(Attribute::Texts(one.into())),
        Err(texts) => Ok(Attribute::Texts(texts)),
    }
}

fn fixed_texts(
    at: &Place,
    message: &AttributeMessage,
    count: u64,
    width: usize,
    padding: StringPadding,
) -> Result<Vec<String>, FileError> {
    let fits = (count as usize).checked_mul(width).is_some_and(|bytes| bytes == message.raw_data.len());
    if width == 0 || !fits {
        return Err(at.corrupt(format!("{count} texts of {width} bytes in {} bytes", message.raw_data.len())));
    }
    message.raw_data.chunks_exact(width).map(|bytes| text(at, bytes, padding)).collect()
}

fn variable_texts(
    file: &Hdf5File,
    at: &Place,
    message: &AttributeMessage,
    count: u64,
) -> Result<Vec<String>, FileError> {
    let root: Group = file.root_group().map_err(|e| from_library(at, e))?;
    let width = 8 + usize::from(file.superblock().offset_size);
    let references = message.raw_data.chunks_exact(width);
    if references.len() as u64 != count {
        return Err(at.corrupt(format!("{count} texts in {} references", references.len())));
    }
    let mut total = 0;
    let mut texts = Vec::with_capacity(references.len());
    for reference in references {
        let bytes = root.resolve_vlen_reference_bytes(reference, 1).map_err(|e| from_library(at, e))?;
        total += bytes.len();
        if total > MAX_TEXT {
            return Err(at.too_large("the text", format!("{MAX_TEXT} bytes")));
        }
        texts.push(text(at, &bytes, StringPadding::NullTerminate)?);
    }
    Ok(texts)
}

fn text(at: &Place, bytes: &[u8], padding: StringPadding) -> Result<String, FileError> {
    let bytes = match padding {
        StringPadding::NullTerminate | StringPadding::NullPad => {
            bytes.split(|&b| b == 0).next().unwrap_or_default()
        }
        StringPadding::SpacePad => bytes.trim_ascii_end(),
    };
    String::from_utf8(bytes.to_vec()).map_err(|_| at.mismatch("text in another encoding", "UTF-8"))
}

fn integer(bytes: &[u8], signed: bool, order: ByteOrder) -> Option<i64> {
    let mut little = bytes.to_vec();
    if order == ByteOrder::BigEndian {
        little.reverse();
    }
    let negative = signed && little.last().is_some_and(|&b| b >= 0x80);
    if little.is_empty() || little.len() > 8 {
        return None;
    }
    little.resize(8, if negative { 0xff } else { 0 });
    let value = i64::from_le_bytes(little.try_into().ok()?);
    (signed || value >= 0).then_some(value)
}

fn kind(datatype: &Datatype) -> &'static str {
    match datatype {
        Datatype::FixedPoint { .. } => "a list of integers",
        Datatype::FloatingPoint { .. } => "floats",
        Datatype::String { .. } => "text",
        Datatype::Compound { .. } => "a compound type",
        Datatype::Array { .. } => "arrays",
        Datatype::Enum { .. } => "an enumeration",
        Datatype::VarLen { .. } => "lists of variable length",
        Datatype::Opaque { .. } => "opaque bytes",
        Datatype::Reference { .. } => "references",
        Datatype::Bitfield { .. } => "a bit field",
    }
}
