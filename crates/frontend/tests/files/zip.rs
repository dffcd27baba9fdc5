//! Builds zip archives byte by byte, so that any field can be made to lie.

/// A member, and what its headers say of it.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
    /// Unix file mode.
    pub(crate) mode: u32,
    /// Where the directory says the member starts, if not where it does.
    pub(crate) start: Option<u32>,
}

impl Member {
    /// A stored member that tells the truth.
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Member {
        Member {
            name: name.into(),
            crc: crc32(bytes),
            size: bytes.len() as u32,
            bytes: bytes.to_vec(),
            method: 0,
            flags: 0,
            mode: 0o100644,
            start: None,
        }
    }

    /// The fields that both headers share.
    fn fields(&self) -> Vec<u8> {
        let mut out = vec![20, 0];
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0]);
        for word in [self.crc, self.bytes.len() as u32, self.size] {
            out.extend(word.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0; 2]);
        out
    }
}

/// The archive of these members.
pub(crate) fn archive(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let start = member.start.unwrap_or(out.len() as u32);
        out.extend(b"PK\x03\x04");
        out.extend(member.fields());
        out.extend(member.name.bytes());
        out.extend(&member.bytes);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(member.fields());
        directory.extend([0; 6]);
        directory.extend((member.mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(member.name.bytes());
    }
    let start = out.len() as u32;
    let count = (members.len() as u16).to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// The checksum of zip files.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
