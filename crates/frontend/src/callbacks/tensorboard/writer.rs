//! Event files: TFRecords, each with checksums of its length and of its bytes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::events::Event;
use crate::error::Result;
use crate::saving::Place;

/// An event file that is being written.
#[derive(Debug)]
pub(super) struct Writer {
    file: BufWriter<File>,
    at: Place,
}

/// Tells files apart that a process begins within a second.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

impl Writer {
    /// A new file in this folder, under a name that TensorBoard looks for.
    pub(super) fn create(folder: &Path) -> Result<Writer> {
        let at = Place::file(folder);
        fs::create_dir_all(folder).map_err(|e| at.io("create", e))?;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.cornu.{process}.{number}.v2"));
        let at = Place::file(&path);
        let file = File::create_new(&path).map_err(|e| at.io("create", e))?;
        let mut writer = Writer { file: BufWriter::new(file), at };
        writer.write(&Event::version())?;
        Ok(writer)
    }

    /// Adds an event.
    pub(super) fn write(&mut self, event: &Event) -> Result<()> {
        Ok(record(&mut self.file, event.bytes()).map_err(|e| self.at.io("write", e))?)
    }

    /// Lets readers see all events so far.
    pub(super) fn flush(&mut self) -> Result<()> {
        Ok(self.file.flush().map_err(|e| self.at.io("write", e))?)
    }

    /// Closes the file.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()
    }
}

fn record(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = (bytes.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked(&length).to_le_bytes())?;
    out.write_all(bytes)?;
    out.write_all(&masked(bytes).to_le_bytes())
}

/// CRC-32C, turned and moved: a checksum of bytes that hold checksums themselves would be weak.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_format() {
        // From RFC 3720: 32 bytes of zeros, and 0 to 31.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c::crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        // The head of every file that TensorFlow writes: a record of 24 bytes.
        assert_eq!(masked(&24u64.to_le_bytes()).to_le_bytes(), [0xa3, 0x7f, 0x4b, 0x22]);
    }
}
