//! Bytes that can be read at any offset: a file, a stretch of one, or memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{FileError, Place};

/// A readable stretch of bytes that knows where it comes from. Clones share the file.
#[derive(Clone, Debug)]
pub struct Source {
    at: Place,
    bytes: Bytes,
    start: u64,
    len: u64,
}

#[derive(Clone, Debug)]
enum Bytes {
    /// Seeking and reading are two calls, so both happen under one lock.
    File(Arc<Mutex<File>>),
    Memory(Arc<[u8]>),
}

impl Source {
    /// A regular file. Directories and pipes are refused before they are opened, because opening a pipe waits.
    pub fn open(path: impl AsRef<Path>) -> Result<Source, FileError> {
        let path = path.as_ref();
        let at = Place::file(path);
        let found = std::fs::metadata(path).map_err(|e| at.io("open", e))?;
        if !found.is_file() {
            let kind = if found.is_dir() { "a directory" } else { "not a regular file" };
            return Err(at.mismatch(kind, "a file"));
        }
        let file = File::open(path).map_err(|e| at.io("open", e))?;
        Source::from_file(at, file)
    }

    /// An open file, for temporaries that have no name.
    pub(crate) fn from_file(at: Place, file: File) -> Result<Source, FileError> {
        let len = file.metadata().map_err(|e| at.io("read", e))?.len();
        if len == 0 {
            return Err(at.mismatch("an empty file", "a saved model or weights"));
        }
        Ok(Source { at, bytes: Bytes::File(Arc::new(Mutex::new(file))), start: 0, len })
    }

    /// Bytes in memory, called `at` in errors.
    pub fn from_bytes(at: Place, bytes: impl Into<Arc<[u8]>>) -> Source {
        let bytes = bytes.into();
        Source { at, len: bytes.len() as u64, bytes: Bytes::Memory(bytes), start: 0 }
    }

    /// `len` of these bytes from `start` on, as a source of its own; `None` when they reach past the end.
    pub fn slice(&self, at: Place, start: u64, len: u64) -> Option<Source> {
        let end = start.checked_add(len)?;
        (end <= self.len).then(|| Source { at, bytes: self.bytes.clone(), start: self.start + start, len })
    }

    /// What to call these bytes in errors.
    pub fn place(&self) -> &Place {
        &self.at
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True when there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `buffer` with the bytes at `offset`.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|&end| end <= self.len);
        if end.is_none() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "reading past the end"));
        }
        let from = self.start + offset;
        match &self.bytes {
            Bytes::File(file) => {
                // A panic of another reader leaves only the position undefined, and that is set next.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(from))?;
                file.read_exact(buffer)
            }
            Bytes::Memory(bytes) => {
                let from = from as usize;
                buffer.copy_from_slice(&bytes[from..from + buffer.len()]);
                Ok(())
            }
        }
    }

    /// A reader with a position of its own.
    pub fn reader(&self) -> SourceReader {
        SourceReader { source: self.clone(), position: 0 }
    }
}

/// Reads a [`Source`] from front to back, or from wherever it is told to seek.
#[derive(Debug)]
pub struct SourceReader {
    source: Source,
    position: u64,
}

impl Read for SourceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.len.saturating_sub(self.position);
        let n = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.source.read_at(self.position.min(self.source.len), &mut buffer[..n])?;
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for SourceReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.source.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seeking before the start"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten() -> Source {
        Source::from_bytes(Place::file("ten"), (0..10u8).collect::<Vec<_>>())
    }

    #[test]
    fn slices_stay_inside() {
        let slice = ten().slice(Place::file("s"), 3, 4).expect("inside");
        let mut two = [0; 2];
        slice.read_at(2, &mut two).expect("inside");
        assert_eq!(two, [5, 6]);
        assert!(slice.read_at(3, &mut two).is_err());
        assert!(ten().slice(Place::file("s"), 8, 3).is_none());
        assert!(ten().slice(Place::file("s"), u64::MAX, 2).is_none());
    }

    #[test]
    fn the_reader_stops_at_the_end() {
        let mut all = Vec::new();
        let mut reader = ten().reader();
        reader.seek(SeekFrom::End(-3)).expect("inside");
        reader.read_to_end(&mut all).expect("memory");
        assert_eq!(all, [7, 8, 9]);
        reader.seek(SeekFrom::Start(99)).expect("past the end is allowed");
        assert_eq!(reader.read(&mut [0; 4]).expect("memory"), 0);
    }

    #[test]
    fn directories_are_no_files() {
        let error = Source::open(std::env::temp_dir()).expect_err("a directory");
        assert!(error.to_string().contains("a directory"));
    }
}
