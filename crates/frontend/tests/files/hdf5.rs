//! Builds HDF5 files of the oldest layout, the one Keras writes, byte by byte, so that any byte can be made to lie.

/// An address that means "nowhere".
const UNDEFINED: u64 = u64::MAX;
/// Where the root group's header address stands in the superblock.
const ROOT_ADDRESS: usize = 64;

/// A file being built. Objects are appended; the root group comes last.
pub(crate) struct Builder {
    bytes: Vec<u8>,
}

/// What a name in a group leads to.
pub(crate) enum Target {
    /// The object at an address.
    Hard(u64),
    /// A path in this file.
    Soft(&'static str),
}

/// An array, with everything in its header that can lie.
pub(crate) struct Array<'a> {
    pub(crate) dims: &'a [u64],
    pub(crate) datatype: Vec<u8>,
    pub(crate) layout: Layout,
    /// Further header messages: type and content.
    pub(crate) more: Vec<(u16, Vec<u8>)>,
}

/// How an array says it is stored.
pub(crate) enum Layout {
    /// In one piece that holds these bytes.
    Contiguous(Vec<u8>),
    /// In one piece of this size at this address.
    Elsewhere { address: u64, size: u64 },
    /// In chunks of this shape, of which none is there.
    Chunked(Vec<u32>),
    /// Put together from other files.
    Virtual,
}

/// The encoded datatype of a 32-bit float.
pub(crate) fn f32_type() -> Vec<u8> {
    [&[0x11, 0x20, 31, 0, 4, 0, 0, 0][..], &[0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]].concat()
}

/// The encoded datatype of a text of `width` bytes.
pub(crate) fn text_type(width: u32) -> Vec<u8> {
    [&[0x13, 0, 0, 0][..], &width.to_le_bytes()].concat()
}

/// An array of floats that tells the truth.
pub(crate) fn floats(values: &[f32]) -> (Vec<u64>, Vec<u8>) {
    (vec![values.len() as u64], values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

impl Builder {
    pub(crate) fn new() -> Builder {
        let mut bytes = b"\x89HDF\r\n\x1a\n".to_vec();
        bytes.extend([0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0]);
        for address in [0, UNDEFINED, 0, UNDEFINED, 0, 0, 0, 0, 0] {
            bytes.extend(address.to_le_bytes());
        }
        Builder { bytes }
    }

    /// The address of what is appended next.
    pub(crate) fn next(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Appends bytes at a multiple of eight.
    fn append(&mut self, bytes: &[u8]) -> u64 {
        let at = self.next();
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        at
    }

    fn header(&mut self, messages: &[(u16, Vec<u8>)]) -> u64 {
        let mut body = Vec::new();
        for (kind, content) in messages {
            let size = content.len().next_multiple_of(8);
            body.extend(kind.to_le_bytes());
            body.extend((size as u16).to_le_bytes());
            body.extend([0; 4]);
            body.extend(content);
            body.resize(body.len() + size - content.len(), 0);
        }
        let mut header = vec![1, 0];
        header.extend((messages.len() as u16).to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.extend((body.len() as u32).to_le_bytes());
        header.extend([0; 4]);
        header.extend(body);
        self.append(&header)
    }

    /// Appends a group of at most eight links, whose names must be sorted.
    pub(crate) fn group(&mut self, links: &[(&str, Target)]) -> u64 {
        let mut names = vec![0u8; 8];
        let mut entries = Vec::new();
        let text = |names: &mut Vec<u8>, text: &str| {
            let offset = names.len() as u64;
            names.extend(text.bytes());
            names.resize((names.len() + 1).next_multiple_of(8), 0);
            offset
        };
        for (name, target) in links {
            entries.extend(text(&mut names, name).to_le_bytes());
            let (address, kind, scratch) = match target {
                Target::Hard(address) => (*address, 0u32, 0),
                Target::Soft(path) => (UNDEFINED, 2, text(&mut names, path)),
            };
            entries.extend(address.to_le_bytes());
            entries.extend(kind.to_le_bytes());
            entries.extend([0; 4]);
            entries.extend(scratch.to_le_bytes());
            entries.extend([0; 8]);
        }
        let data = self.append(&names);
        let heap = [&b"HEAP\0\0\0\0"[..], &words(&[names.len() as u64, 1, data])].concat();
        let heap = self.append(&heap);
        let count = (links.len() as u16).to_le_bytes();
        let node = self.append(&[&b"SNOD\x01\0"[..], &count, &entries].concat());
        let tree =
            [&b"TREE\0\0\x01\0"[..], &words(&[UNDEFINED, UNDEFINED, 0, node, names.len() as u64])].concat();
        let tree = self.append(&tree);
        self.header(&[(0x11, words(&[tree, heap]))])
    }

    /// Appends an array.
    pub(crate) fn array(&mut self, array: Array<'_>) -> u64 {
        let mut space = vec![1, array.dims.len() as u8, 0, 0, 0, 0, 0, 0];
        space.extend(words(array.dims));
        let layout = match array.layout {
            Layout::Contiguous(bytes) => {
                let address = self.append(&bytes);
                [&[3, 1][..], &words(&[address, bytes.len() as u64])].concat()
            }
            Layout::Elsewhere { address, size } => [&[3, 1][..], &words(&[address, size])].concat(),
            Layout::Chunked(dims) => {
                let mut layout = vec![3, 2, dims.len() as u8 + 1];
                layout.extend(UNDEFINED.to_le_bytes());
                layout.extend(dims.iter().chain(&[4]).flat_map(|dim| dim.to_le_bytes()));
                layout
            }
            Layout::Virtual => [&[4, 3][..], &words(&[UNDEFINED]), &[0; 4]].concat(),
        };
        let mut messages = vec![(0x01, space), (0x03, array.datatype), (0x08, layout)];
        messages.extend(array.more);
        self.header(&messages)
    }

    /// An honest array of floats.
    pub(crate) fn float_array(&mut self, values: &[f32]) -> u64 {
        let (dims, bytes) = floats(values);
        self.array(Array {
            dims: &dims,
            datatype: f32_type(),
            layout: Layout::Contiguous(bytes),
            more: vec![],
        })
    }

    /// The finished file, whose root group is at `root`.
    pub(crate) fn finish(mut self, root: u64) -> Vec<u8> {
        self.bytes[ROOT_ADDRESS..ROOT_ADDRESS + 8].copy_from_slice(&root.to_le_bytes());
        let end = self.next().to_le_bytes();
        self.bytes[40..48].copy_from_slice(&end);
        self.bytes
    }
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
