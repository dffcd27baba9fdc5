//! What a group links to, in each of the three ways HDF5 stores it. Nothing is followed.
//!
//! The library resolves links while it lists a group: links that lead out of the file or nowhere vanish from the list.
//! Here they must be seen to be refused.

use hdf5_reader::btree_v2::{self, BTreeV2Header, BTreeV2Record};
use hdf5_reader::error::{Error, Result};
use hdf5_reader::fractal_heap::{FractalHeap, FractalHeapDirectBlockCache};
use hdf5_reader::io::Cursor;
use hdf5_reader::local_heap::LocalHeap;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::link::{self, LinkMessage, LinkTarget};
use hdf5_reader::messages::link_info::LinkInfoMessage;
use hdf5_reader::messages::symbol_table_msg::SymbolTableMessage;
use hdf5_reader::symbol_table::{SymbolTableEntry, SymbolTableNode};
use hdf5_reader::{Hdf5File, Storage, btree_v1};

/// Cache type of a symbol table entry that is a soft link.
const SOFT: u32 = 2;

/// What a name in a group stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The object whose header is at this address.
    Hard(u64),
    /// Another path in the same file.
    Soft(String),
    /// A path in another file.
    External(String),
}

/// Names and targets of all links among the header messages of a group.
pub(super) fn of_group(file: &Hdf5File, messages: &[HdfMessage]) -> Result<Vec<(String, Link)>> {
    let mut links = Vec::new();
    for message in messages {
        match message {
            HdfMessage::SymbolTable(table) => links.extend(of_symbol_table(file, table)?),
            HdfMessage::Link(message) => links.push(named(message)),
            HdfMessage::LinkInfo(info) => links.extend(dense(file, info)?),
            // The library's messages, of which only these three hold links.
            _ => {}
        }
    }
    Ok(links)
}

fn named(message: &LinkMessage) -> (String, Link) {
    let target = match &message.target {
        LinkTarget::Hard { address } => Link::Hard(*address),
        LinkTarget::Soft { path } => Link::Soft(path.clone()),
        LinkTarget::External { filename, .. } => Link::External(filename.clone()),
    };
    (message.name.clone(), target)
}

/// Old groups: a B-tree of symbol table nodes, names in a heap. This is what Keras writes.
fn of_symbol_table(file: &Hdf5File, table: &SymbolTableMessage) -> Result<Vec<(String, Link)>> {
    let (offset_size, length_size) = sizes(file);
    let storage = file.storage();
    let nodes = btree_v1::collect_btree_v1_leaves_storage(
        storage,
        table.btree_address,
        offset_size,
        length_size,
        None,
        &[],
        None,
    )?;
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let heap = LocalHeap::parse_at_storage(storage, table.heap_address, offset_size, length_size)?;
    let heap_len = usize::try_from(heap.data_segment_size).map_err(|_| Error::OffsetOutOfBounds(u64::MAX))?;
    let names = storage.read_range(heap.data_segment_address, heap_len)?;
    let mut links = Vec::new();
    for (_, address) in nodes {
        for entry in symbol_table_node(storage, address, offset_size, length_size)?.entries {
            links.push(of_entry(&entry, &names)?);
        }
    }
    Ok(links)
}

fn symbol_table_node(
    storage: &dyn Storage,
    address: u64,
    offset_size: u8,
    length_size: u8,
) -> Result<SymbolTableNode> {
    const HEADER: usize = 8;
    let header = storage.read_range(address, HEADER)?;
    let entries = u16::from_le_bytes([header[6], header[7]]);
    let len = HEADER + usize::from(entries) * (2 * usize::from(offset_size) + 24);
    let bytes = storage.read_range(address, len)?;
    SymbolTableNode::parse(&mut Cursor::new(&bytes), offset_size, length_size)
}

fn of_entry(entry: &SymbolTableEntry, names: &[u8]) -> Result<(String, Link)> {
    let name = heap_text(names, entry.link_name_offset)?;
    let target = if entry.cache_type == SOFT {
        let [a, b, c, d, ..] = entry.scratch;
        Link::Soft(heap_text(names, u64::from(u32::from_le_bytes([a, b, c, d])))?)
    } else {
        Link::Hard(entry.object_header_address)
    };
    Ok((name, target))
}

/// The text at `offset` of a heap, up to its final zero.
fn heap_text(heap: &[u8], offset: u64) -> Result<String> {
    let text = usize::try_from(offset).ok().and_then(|offset| heap.get(offset..));
    let text = text.ok_or(Error::OffsetOutOfBounds(offset))?;
    let end = text.iter().position(|&b| b == 0);
    let end = end.ok_or_else(|| Error::InvalidData("a name in a heap has no end".into()))?;
    String::from_utf8(text[..end].to_vec()).map_err(|_| Error::InvalidData("a name is not UTF-8".into()))
}

/// Large groups of the newer format: a B-tree of names, links in a fractal heap.
fn dense(file: &Hdf5File, info: &LinkInfoMessage) -> Result<Vec<(String, Link)>> {
    let (offset_size, length_size) = sizes(file);
    if Cursor::is_undefined_offset(info.fractal_heap_address, offset_size) {
        return Ok(Vec::new());
    }
    let storage = file.storage();
    let heap = FractalHeap::parse_at_storage(storage, info.fractal_heap_address, offset_size, length_size)?;
    let tree =
        BTreeV2Header::parse_at_storage(storage, info.btree_name_index_address, offset_size, length_size)?;
    let records = btree_v2::collect_btree_v2_records_storage(
        storage,
        &tree,
        offset_size,
        length_size,
        None,
        &[],
        None,
    )?;
    let mut cache = FractalHeapDirectBlockCache::default();
    let mut links = Vec::new();
    for record in records {
        // The name index holds records of one kind.
        let BTreeV2Record::LinkNameHash { heap_id, .. } = record else { continue };
        let bytes =
            heap.get_object_storage_cached(&heap_id, storage, offset_size, length_size, &mut cache)?;
        let message = link::parse(&mut Cursor::new(&bytes), offset_size, length_size, bytes.len())?;
        links.push(named(&message));
    }
    Ok(links)
}

fn sizes(file: &Hdf5File) -> (u8, u8) {
    (file.superblock().offset_size, file.superblock().length_size)
}
