//! A folder of checkpoints: the newest few, numbered; the newest that is whole counts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Checkpoint, file};
use crate::notice::warn;
use crate::saving::{FileError, Place};

/// How the names begin and end; a number is between.
const BEGIN: &str = "checkpoint-";
const END: &str = ".zip";

/// Where the checkpoints of one training lie.
#[derive(Clone, Debug)]
pub(crate) struct CheckpointFolder {
    path: PathBuf,
    max_to_keep: usize,
}

impl CheckpointFolder {
    /// The folder at `path`, in which so many of the newest are kept.
    pub(crate) fn new(path: impl Into<PathBuf>, max_to_keep: usize) -> CheckpointFolder {
        CheckpointFolder { path: path.into(), max_to_keep: max_to_keep.max(1) }
    }

    /// Writes the next checkpoint, and then removes those that are too many.
    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> crate::error::Result<()> {
        let at = Place::file(&self.path);
        fs::create_dir_all(&self.path).map_err(|e| at.io("create", e))?;
        let there = self.numbered()?;
        let number = there.last().map_or(1, |(last, _)| last + 1);
        file::write(&self.path.join(format!("{BEGIN}{number:08}{END}")), checkpoint)?;
        let surplus = (there.len() + 1).saturating_sub(self.max_to_keep);
        for (_, path) in there.into_iter().take(surplus) {
            remove(&path)?;
        }
        Ok(())
    }

    /// The newest checkpoint that is whole; those that are not are told of. If there are some, but none is whole, that
    /// is an error: to begin anew would lose what may still be found.
    pub(crate) fn newest(&self) -> crate::error::Result<Option<Checkpoint>> {
        self.remove_unfinished();
        let mut reason = None;
        for (_, path) in self.numbered()?.into_iter().rev() {
            match file::read(&path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) => {
                    warn(&format!("{error}: the checkpoint before it is taken"));
                    reason.get_or_insert(error);
                }
            }
        }
        reason.map_or(Ok(None), |error| Err(error.into()))
    }

    /// Removes all checkpoints, and the folder unless other files are in it.
    pub(crate) fn delete(&self) -> crate::error::Result<()> {
        // The newest last: a process that ends in between leaves what counts.
        for (_, path) in self.numbered()? {
            remove(&path)?;
        }
        self.remove_unfinished();
        match fs::remove_dir(&self.path) {
            // Other files are not ours to remove.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes what processes left that ended while they wrote.
    fn remove_unfinished(&self) {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".saving-")) {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }

    /// The checkpoints with their numbers, the oldest first.
    fn numbered(&self) -> Result<Vec<(u64, PathBuf)>, FileError> {
        let at = Place::file(&self.path);
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at.io("read", error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| at.io("read", e))?.path();
            if let Some(number) = number(&path) {
                found.push((number, path));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// The number in a checkpoint's name; `None` for other files.
fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(BEGIN)?.strip_suffix(END)?.parse().ok()
}

fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Place::file(path).io("remove", error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
