//! Reading an archive that nobody vouches for. Nothing is unpacked under a name that comes from the archive.

use std::io::{self, BufReader, Read, Write};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::is_safe;
use crate::saving::error::{FileError, Place};
use crate::saving::source::{Source, SourceReader};

/// An archive whose members are all where and what they say.
pub struct Archive {
    source: Source,
    zip: ZipArchive<BufReader<SourceReader>>,
    names: Vec<String>,
}

/// Most members. A model has three, and assets for the few layers that have any.
const MAX_MEMBERS: usize = 1 << 16;
/// A member larger than this must not be more than [`MAX_EXPANSION`] times as large as what is stored of it: Keras's
/// own bound.
const MODEST_BYTES: u64 = 256 << 20;
const MAX_EXPANSION: u64 = 100;
/// How much is read at a time.
const BUFFER_BYTES: usize = 256 << 10;

impl Archive {
    /// Opens an archive and checks every member's headers. Content is checked when it is read.
    pub fn open(source: Source) -> Result<Archive, FileError> {
        let at = source.place().clone();
        let reader = BufReader::with_capacity(BUFFER_BYTES, source.reader());
        let mut zip = ZipArchive::new(reader).map_err(|e| from_library(&at, e))?;
        if zip.len() > MAX_MEMBERS {
            return Err(at.too_large(format!("an archive of {} members", zip.len()), MAX_MEMBERS));
        }
        zip.validate_header_consistency().map_err(|e| from_library(&at, e))?;
        let names = (0..zip.len()).map(|n| checked_name(&zip, n, &at)).collect::<Result<_, _>>()?;
        Ok(Archive { source, zip, names })
    }

    /// What errors call this archive.
    pub fn place(&self) -> &Place {
        self.source.place()
    }

    /// Names of all members.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is a member of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|member| member == name)
    }

    /// A member of at most `limit` bytes, whole.
    pub fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        let (index, size) = self.find(name)?;
        if size > limit {
            return Err(self
                .place()
                .inside(name)
                .too_large(format!("{size} bytes"), format!("{limit} bytes")));
        }
        let mut bytes = Vec::new();
        self.copy(index, name, &mut bytes)?;
        Ok(bytes)
    }

    /// A member to be read here and there. One that is stored as it is, which is how Keras does it, is read from the
    /// archive itself; a compressed one is first unpacked into a temporary file without a name.
    pub fn source(&mut self, name: &str) -> Result<Source, FileError> {
        let (index, size) = self.find(name)?;
        let at = self.place().inside(name);
        let member = self.zip.by_index_raw(index).map_err(|e| from_library(&at, e))?;
        let stored = member.compression() == CompressionMethod::Stored;
        let start = member.data_start().filter(|_| stored);
        drop(member);
        if let Some(start) = start {
            self.copy(index, name, &mut io::sink())?;
            return self
                .source
                .slice(at.clone(), start, size)
                .ok_or_else(|| at.corrupt("it reaches past the end"));
        }
        let mut file = tempfile::tempfile().map_err(|e| at.io("unpack", e))?;
        self.copy(index, name, &mut file)?;
        Source::from_file(at, file)
    }

    /// Position and size of a member.
    fn find(&mut self, name: &str) -> Result<(usize, u64), FileError> {
        let at = self.place().inside(name);
        let index = self.names.iter().position(|member| member == name);
        let index = index.ok_or_else(|| at.missing("the archive has no such member"))?;
        let member = self.zip.by_index_raw(index).map_err(|e| from_library(&at, e))?;
        Ok((index, member.size()))
    }

    /// Unpacks a member into `out`. The library compares the checksum at the end; the size is compared here, and as
    /// soon as it is exceeded.
    fn copy(&mut self, index: usize, name: &str, out: &mut impl Write) -> Result<(), FileError> {
        let at = self.source.place().inside(name);
        let mut member = self.zip.by_index(index).map_err(|e| from_library(&at, e))?;
        let size = member.size();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut copied = 0;
        loop {
            let n = member.read(&mut buffer).map_err(|e| at.corrupt(e))?;
            if n == 0 {
                break;
            }
            copied += n as u64;
            if copied > size {
                return Err(at.corrupt(format!("more than the {size} bytes it says")));
            }
            out.write_all(&buffer[..n]).map_err(|e| at.io("unpack", e))?;
        }
        if copied < size {
            return Err(at.corrupt(format!("{copied} of the {size} bytes it says")));
        }
        Ok(())
    }
}

/// A member's name, once the member is one that can be read safely.
fn checked_name(
    zip: &ZipArchive<BufReader<SourceReader>>,
    n: usize,
    at: &Place,
) -> Result<String, FileError> {
    let member = zip.by_index_data(n).map_err(|e| from_library(at, e))?;
    let name = member.name().map_err(|e| from_library(at, e))?.into_owned();
    let at = at.inside(&name);
    let refuse = |found: &str, needed: &str| Err(at.refused(found, needed));
    if !is_safe(&name) {
        return refuse("a member whose name leads out of the archive", "names are relative and plain");
    }
    if member.is_symlink() {
        return refuse("a symbolic link", "members are files");
    }
    if member.encrypted() {
        return refuse("an encrypted member", "members are stored or deflated");
    }
    if !matches!(member.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return refuse("an unknown compression", "members are stored or deflated");
    }
    let (size, packed) = (member.size(), member.compressed_size());
    if member.compression() == CompressionMethod::Stored && size != packed {
        return Err(at.corrupt(format!("{size} bytes in {packed} that are not compressed")));
    }
    if size > MODEST_BYTES && size / MAX_EXPANSION > packed {
        return Err(at.too_large(format!("{packed} bytes that expand to {size}"), "a hundredfold"));
    }
    Ok(name)
}

fn from_library(at: &Place, error: ZipError) -> FileError {
    match error {
        ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => at.io("read", source),
        other => at.corrupt(other),
    }
}
