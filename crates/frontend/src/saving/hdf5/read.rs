//! Reading: groups and attributes at once, arrays when asked for, each against the type it must have.

use cornu_ir::{Shape, Tensor, Type};
use hdf5_reader::filters::{FILTER_DEFLATE, FILTER_FLETCHER32, FILTER_SHUFFLE, FilterRegistry};
use hdf5_reader::io::Cursor;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::layout::DataLayout;
use hdf5_reader::{Dataset, Hdf5File, OpenOptions};
use std::sync::Arc;

use super::attribute::{self, Attribute};
use super::element::Element;
use super::lzf::{self, FILTER_LZF, MAX_CHUNK_BYTES};
use super::storage::Metered;
use super::tree::{Object, Tree};
use super::{convert, from_library, parts};
use crate::saving::error::{FileError, Place};
use crate::saving::source::Source;

/// An HDF5 file that is safe to look into.
pub struct Reader {
    at: Place,
    source: Source,
    file: Hdf5File,
    storage: Arc<Metered>,
    tree: Tree,
}

/// Longest object header. Headers hold attributes, and lists of names come in pieces of 64 kB.
const MAX_HEADER_BYTES: usize = 8 << 20;
/// Most chunks of one array.
const MAX_CHUNKS: u64 = 1 << 20;
/// An array larger than this must not be more than [`MAX_EXPANSION`] times as large as the file.
const MODEST_BYTES: u64 = 64 << 20;
/// What the best compression reaches, on zeros.
const MAX_EXPANSION: u64 = 1032;

impl Reader {
    /// Opens a file and walks its groups. Links and arrays that reach out of the file are refused here already.
    pub fn open(source: Source) -> Result<Reader, FileError> {
        let at = source.place().clone();
        let mut registry = FilterRegistry::new();
        lzf::register(&mut registry);
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(0)
            .with_filter_registry(registry)
            .with_max_chunk_bytes(MAX_CHUNK_BYTES)
            .with_max_object_header_bytes(MAX_HEADER_BYTES);
        let storage = Arc::new(Metered::new(source.clone()));
        let file = Hdf5File::from_storage_with_options(storage.clone(), options);
        let file = file.map_err(|e| from_library(&at, e))?;
        let tree = Tree::walk(&file, &at)?;
        Ok(Reader { at, source, file, storage, tree })
    }

    /// What errors call this file.
    pub fn place(&self) -> &Place {
        &self.at
    }

    /// Whether there is a group at `path`.
    pub fn has_group(&self, path: &str) -> Result<bool, FileError> {
        Ok(matches!(self.tree.find(path, &self.at)?, Some((_, Object::Group(_)))))
    }

    /// Names in the group at `path`, sorted; none when there is no such group.
    pub fn children(&self, path: &str) -> Result<Vec<String>, FileError> {
        match self.tree.find(path, &self.at)? {
            Some((_, Object::Group(links))) => Ok(links.keys().cloned().collect()),
            Some((_, Object::Dataset | Object::Other)) | None => Ok(Vec::new()),
        }
    }

    /// An attribute of the group or array at `path`; `None` when either is missing.
    pub fn attribute(&self, path: &str, name: &str) -> Result<Option<Attribute>, FileError> {
        self.storage.refill();
        let Some((address, object)) = self.tree.find(path, &self.at)? else { return Ok(None) };
        let at = self.at.inside(path);
        let header = self.file.get_or_parse_header(address).map_err(|e| from_library(&at, e))?;
        attribute::find(&self.file, &at, name, &header.messages, || {
            let raw = match object {
                Object::Group(_) => self.file.group(path)?.raw_attributes()?,
                Object::Dataset => self.file.dataset(path)?.raw_attributes()?,
                Object::Other => Vec::new(),
            };
            Ok(raw.into_iter().map(|raw| raw.into_parts().0).collect())
        })
    }

    /// A list of texts, which Keras splits over `name0`, `name1`, … when it is long. `None` when it is missing.
    pub fn texts(&self, path: &str, name: &str) -> Result<Option<Vec<String>>, FileError> {
        if let Some(whole) = self.attribute(path, name)? {
            return self.list(path, name, whole).map(Some);
        }
        let mut texts = None;
        for piece in 0.. {
            let name = format!("{name}{piece}");
            let Some(found) = self.attribute(path, &name)? else { break };
            texts.get_or_insert_with(Vec::new).extend(self.list(path, &name, found)?);
        }
        Ok(texts)
    }

    fn list(&self, path: &str, name: &str, found: Attribute) -> Result<Vec<String>, FileError> {
        match found {
            Attribute::Texts(texts) => Ok(texts),
            Attribute::Empty => Ok(Vec::new()),
            Attribute::Text(_) | Attribute::Integer(_) => Err(self
                .at
                .inside(path)
                .mismatch(format!("one value as attribute {name}"), "a list of texts")),
        }
    }

    /// One text; `None` when it is missing.
    pub fn text(&self, path: &str, name: &str) -> Result<Option<String>, FileError> {
        match self.attribute(path, name)? {
            None => Ok(None),
            Some(Attribute::Text(text)) => Ok(Some(text)),
            Some(Attribute::Texts(_) | Attribute::Integer(_) | Attribute::Empty) => {
                Err(self.at.inside(path).mismatch(format!("something else as attribute {name}"), "one text"))
            }
        }
    }

    /// Element type and shape of the array at `path`, without reading it. 8 and 16 bit integers that tensors lack are
    /// called by the next wider type.
    pub fn ty(&self, path: &str) -> Result<Type, FileError> {
        self.storage.refill();
        let (_, element, shape) = self.dataset(path)?;
        Ok(Type { dtype: element.number.dtype(), shape })
    }

    /// The array at `path` with its elements converted to the element type of `ty`. Refused before memory is taken
    /// when its shape is not that of `ty` or its elements are no numbers.
    pub fn read(&self, path: &str, ty: &Type) -> Result<Tensor, FileError> {
        self.storage.refill();
        let (dataset, element, shape) = self.dataset(path)?;
        let at = self.at.inside(path);
        if shape != ty.shape {
            return Err(at.mismatch(format!("shape {shape}"), format!("shape {}", ty.shape)));
        }
        self.check_size(&at, &dataset, &shape, element)?;
        let bytes = self.bytes(&at, &dataset)?;
        convert::tensor(ty, element, &bytes)
            .ok_or_else(|| at.corrupt("an array of another size than it says"))
    }

    fn dataset(&self, path: &str) -> Result<(Dataset, Element, Shape), FileError> {
        let at = self.at.inside(path);
        match self.tree.find(path, &self.at)? {
            Some((_, Object::Dataset)) => {}
            Some((_, Object::Group(_) | Object::Other)) => return Err(at.mismatch("a group", "an array")),
            None => return Err(at.missing("an array of numbers is needed here")),
        }
        let path: Vec<&str> = parts(path).collect();
        let dataset = self.file.dataset(&path.join("/")).map_err(|e| from_library(&at, e))?;
        let element = self.element(&at, &path.join("/"), &dataset)?;
        let shape = dataset.shape().iter().map(|&size| usize::try_from(size));
        let shape =
            shape.collect::<Result<Shape, _>>().map_err(|_| at.too_large("the shape", "this machine"))?;
        if dataset.num_elements().map_err(|e| from_library(&at, e))? != shape.elements() as u64 {
            // HDF5 knows arrays without any extent, which are not scalars.
            return Err(at.mismatch("an array without a shape", "a shape"));
        }
        Ok((dataset, element, shape))
    }

    fn element(&self, at: &Place, path: &str, dataset: &Dataset) -> Result<Element, FileError> {
        let encoded = dataset.raw_datatype().map_err(|e| from_library(at, e))?;
        let named = match dataset.dtype() {
            hdf5_reader::Datatype::Opaque { .. } => self.text(path, "dtype")?,
            // Only opaque bytes need a name; the attribute is ignored on all others, as Keras does.
            _ => None,
        };
        Element::new(dataset.dtype(), &encoded, named.as_deref())
            .map_err(|found| at.refused(found, "weights are arrays of numbers"))
    }

    /// The stored bytes. Those that lie in one piece, as Keras writes them, are read without the library, which would
    /// hold them several times over.
    fn bytes(&self, at: &Place, dataset: &Dataset) -> Result<Vec<u8>, FileError> {
        if let Some(start) = self.one_piece(at, dataset)? {
            let len = dataset.raw_byte_len().map_err(|e| from_library(at, e))?;
            if start.checked_add(len as u64).is_none_or(|end| end > self.source.len()) {
                return Err(at.corrupt("an array reaches past the end of the file"));
            }
            let mut bytes = vec![0; len];
            self.source.read_at(start, &mut bytes).map_err(|e| at.io("read", e))?;
            return Ok(bytes);
        }
        dataset.read_raw_bytes().map_err(|e| from_library(at, e))
    }

    /// Where in the file an array starts that lies there in one piece.
    fn one_piece(&self, at: &Place, dataset: &Dataset) -> Result<Option<u64>, FileError> {
        let header = self.file.get_or_parse_header(dataset.address()).map_err(|e| from_library(at, e))?;
        let layout = header.messages.iter().find_map(|message| match message {
            HdfMessage::DataLayout(message) => Some(&message.layout),
            // Only the layout is looked for.
            _ => None,
        });
        let superblock = self.file.superblock();
        match layout {
            Some(DataLayout::Contiguous { address, .. })
                if !Cursor::is_undefined_offset(*address, superblock.offset_size) =>
            {
                Ok(superblock.base_address.checked_add(*address))
            }
            Some(DataLayout::Contiguous { .. } | DataLayout::Compact { .. } | DataLayout::Chunked { .. })
            | None => Ok(None),
        }
    }

    /// Refuses what would take memory or time out of proportion to the file.
    fn check_size(
        &self,
        at: &Place,
        dataset: &Dataset,
        shape: &Shape,
        element: Element,
    ) -> Result<(), FileError> {
        let claimed = (shape.elements() as u64).saturating_mul(element.number.bytes() as u64);
        let stored = self.source.len();
        if claimed > MODEST_BYTES && claimed / MAX_EXPANSION > stored {
            return Err(
                at.too_large(format!("an array of {claimed} bytes"), format!("a file of {stored} bytes"))
            );
        }
        let header = self.file.get_or_parse_header(dataset.address()).map_err(|e| from_library(at, e))?;
        for message in &header.messages {
            match message {
                HdfMessage::DataLayout(message) => check_layout(at, &message.layout, shape, claimed)?,
                HdfMessage::FilterPipeline(pipeline) => {
                    check_filters(at, pipeline.filters.iter().map(|filter| filter.id))?;
                }
                // The library's messages, of which only these two say how an array is stored.
                _ => {}
            }
        }
        Ok(())
    }
}

fn check_layout(at: &Place, layout: &DataLayout, shape: &Shape, claimed: u64) -> Result<(), FileError> {
    match layout {
        DataLayout::Compact { .. } => Ok(()),
        DataLayout::Contiguous { size, .. } if *size == claimed => Ok(()),
        DataLayout::Contiguous { size, .. } => {
            Err(at.corrupt(format!("{size} bytes are stored for an array of {claimed}")))
        }
        DataLayout::Chunked { dims, .. } => {
            let chunks = shape.iter().zip(dims).fold(1u64, |chunks, (&size, &chunk)| {
                chunks.saturating_mul((size as u64).div_ceil(u64::from(chunk.max(1))))
            });
            if chunks > MAX_CHUNKS {
                return Err(
                    at.too_large(format!("an array in {chunks} chunks"), format!("{MAX_CHUNKS} chunks"))
                );
            }
            Ok(())
        }
    }
}

/// Filters that weights come in. Two compressors in a row would let one byte stand for a million.
fn check_filters(at: &Place, filters: impl Iterator<Item = u16>) -> Result<(), FileError> {
    let mut compressors = 0;
    for filter in filters {
        match filter {
            FILTER_SHUFFLE | FILTER_FLETCHER32 => {}
            FILTER_DEFLATE | FILTER_LZF => compressors += 1,
            unknown => {
                let known = "only gzip, shuffle, fletcher32 and lzf can be read";
                return Err(at.refused(format!("filter {unknown}"), known));
            }
        }
    }
    if compressors > 1 {
        return Err(at.refused("two compressions on top of each other", "one is enough"));
    }
    Ok(())
}
