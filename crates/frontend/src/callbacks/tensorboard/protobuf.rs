//! Protocol buffers, as far as event files need them: a message is fields one after another.

/// A message that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How a field is laid out.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    Fixed32 = 5,
}

impl Message {
    pub(super) fn new() -> Message {
        Message::default()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A whole number.
    pub(super) fn integer(mut self, field: u32, value: u64) -> Message {
        self.key(field, Wire::Varint);
        self.varint(value);
        self
    }

    /// A number of 64 bits.
    pub(super) fn double(mut self, field: u32, value: f64) -> Message {
        self.key(field, Wire::Fixed64);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A number of 32 bits.
    pub(super) fn float(mut self, field: u32, value: f32) -> Message {
        self.key(field, Wire::Fixed32);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Bytes, a text, or a message.
    pub(super) fn bytes(mut self, field: u32, value: impl AsRef<[u8]>) -> Message {
        let value = value.as_ref();
        self.key(field, Wire::Length);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// A message in this one.
    pub(super) fn message(self, field: u32, value: &Message) -> Message {
        self.bytes(field, &value.0)
    }

    /// Many numbers of 64 bits.
    pub(super) fn doubles(self, field: u32, values: &[f64]) -> Message {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(field, bytes)
    }

    fn key(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field) << 3 | wire as u64);
    }

    /// Seven bits a byte, the lowest first; the top bit says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_laid_out_as_the_format_says() {
        // The examples of the format's own description: 150 in field 1, "testing" in field 2.
        assert_eq!(Message::new().integer(1, 150).as_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::new().bytes(2, "testing").as_bytes(), b"\x12\x07testing");
        assert_eq!(Message::new().double(1, 1.0).as_bytes(), [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(Message::new().float(2, 1.0).as_bytes(), [0x15, 0, 0, 0x80, 0x3f]);
    }
}
