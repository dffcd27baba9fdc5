//! What one element of a stored array is, and which of our element types stands for it.

use std::fmt;

use cornu_ir::DType;
use hdf5_reader::{ByteOrder, Datatype, VarLenKind};

/// A kind of number that files hold. Some are kinds that tensors do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    F16,
    F32,
    F64,
    BF16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

/// A number and the order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) number: Number,
    pub(super) order: ByteOrder,
}

impl Number {
    pub(super) fn bytes(self) -> usize {
        match self {
            Number::I8 | Number::U8 | Number::Bool => 1,
            Number::F16 | Number::BF16 | Number::I16 | Number::U16 => 2,
            Number::F32 | Number::I32 | Number::U32 => 4,
            Number::F64 | Number::I64 | Number::U64 => 8,
        }
    }

    /// The narrowest element type that holds every value, but for the upper half of 64 unsigned bits.
    pub(super) fn dtype(self) -> DType {
        match self {
            Number::F16 => DType::F16,
            Number::F32 => DType::F32,
            Number::F64 => DType::F64,
            Number::BF16 => DType::BF16,
            Number::I8 | Number::I16 | Number::I32 => DType::I32,
            Number::U8 => DType::U8,
            Number::U16 | Number::U32 => DType::U32,
            Number::I64 | Number::U64 => DType::I64,
            Number::Bool => DType::Bool,
        }
    }
}

impl Element {
    /// The element that a datatype describes. `encoded` are the bytes of its message and `named` the attribute by
    /// which Keras says what opaque bytes mean. The error says what the datatype is instead of a number.
    pub(super) fn new(
        datatype: &Datatype,
        encoded: &[u8],
        named: Option<&str>,
    ) -> Result<Element, NotANumber> {
        let little = ByteOrder::LittleEndian;
        match datatype {
            Datatype::FixedPoint { size, signed, byte_order } => {
                let number = integer(*size, *signed).filter(|_| fills_its_bytes(encoded, *size));
                Ok(Element { number: number.ok_or(NotANumber::Odd)?, order: *byte_order })
            }
            Datatype::FloatingPoint { byte_order, .. } => {
                Ok(Element { number: float(encoded).ok_or(NotANumber::Odd)?, order: *byte_order })
            }
            Datatype::Opaque { size: 2, .. } if named == Some(BFLOAT16) => {
                Ok(Element { number: Number::BF16, order: little })
            }
            Datatype::Enum { base, members } if is_byte(base) => {
                let is = |n: usize, name: &str| {
                    members.get(n).is_some_and(|m| m.name == name && m.value == [n as u8])
                };
                let is_bool = members.len() == 2 && is(0, "FALSE") && is(1, "TRUE");
                if is_bool {
                    Ok(Element { number: Number::Bool, order: little })
                } else {
                    Err(NotANumber::Enum)
                }
            }
            Datatype::Enum { .. } => Err(NotANumber::Enum),
            Datatype::Opaque { .. } | Datatype::Bitfield { .. } => Err(NotANumber::Opaque),
            Datatype::String { .. } | Datatype::VarLen { kind: VarLenKind::String, .. } => {
                Err(NotANumber::Text)
            }
            Datatype::Compound { .. } => Err(NotANumber::Compound),
            Datatype::Array { .. } => Err(NotANumber::Array),
            Datatype::VarLen { .. } => Err(NotANumber::VariableLength),
            Datatype::Reference { .. } => Err(NotANumber::Reference),
        }
    }
}

/// The attribute value that marks two opaque bytes as a bfloat16.
pub(super) const BFLOAT16: &str = "bfloat16";

/// Why the elements of an array are no numbers a tensor can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotANumber {
    Odd,
    Enum,
    Opaque,
    Text,
    Compound,
    Array,
    VariableLength,
    Reference,
}

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotANumber::Odd => "numbers of an unusual layout",
            NotANumber::Enum => "an enumeration",
            NotANumber::Opaque => "opaque bytes",
            NotANumber::Text => "text",
            NotANumber::Compound => "a compound type (complex numbers are one)",
            NotANumber::Array => "arrays as elements",
            NotANumber::VariableLength => "elements of variable length",
            NotANumber::Reference => "references",
        })
    }
}

fn integer(size: u8, signed: bool) -> Option<Number> {
    match (size, signed) {
        (1, true) => Some(Number::I8),
        (1, false) => Some(Number::U8),
        (2, true) => Some(Number::I16),
        (2, false) => Some(Number::U16),
        (4, true) => Some(Number::I32),
        (4, false) => Some(Number::U32),
        (8, true) => Some(Number::I64),
        (8, false) => Some(Number::U64),
        _ => None,
    }
}

/// An encoded datatype begins with 4 bytes of class and flags and 4 of size; properties follow.
const PROPERTIES: usize = 8;

/// Whether an integer uses all bits of its bytes, as those of every machine do.
fn fills_its_bytes(encoded: &[u8], size: u8) -> bool {
    let bits = u16::from(size) * 8;
    encoded.get(PROPERTIES..PROPERTIES + 4) == Some(&[0, 0, bits.to_le_bytes()[0], bits.to_le_bytes()[1]])
}

/// The float whose bit layout is encoded. The library drops the layout and keeps the size.
fn float(encoded: &[u8]) -> Option<Number> {
    // Offset of the bits, their number, then place and width of exponent and of fraction, then the exponent's bias.
    let layout: [u8; 12] = encoded.get(PROPERTIES..PROPERTIES + 12)?.try_into().ok()?;
    let not_vax = encoded.get(1)? & 0x40 == 0;
    let known = match layout {
        [0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0] => Number::F16,
        [0, 0, 16, 0, 7, 8, 0, 7, 127, 0, 0, 0] => Number::BF16,
        [0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0] => Number::F32,
        [0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0] => Number::F64,
        _ => return None,
    };
    let size = u32::from_le_bytes(encoded.get(4..8)?.try_into().ok()?);
    (not_vax && size as usize == known.bytes()).then_some(known)
}

fn is_byte(datatype: &Datatype) -> bool {
    matches!(datatype, Datatype::FixedPoint { size: 1, .. })
}
