//! Writes results so that a path holds all of them or is as it was before.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::Failure;

/// A path that was found fit to be written, before the work that leads there begins.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
}

impl Target {
    /// Makes sure that a file can be put at `path`.
    pub(crate) fn new(path: &Path) -> Result<Target, Failure> {
        let target = Target { path: resolved(path).map_err(|failure| failure.of(path.display()))? };
        target.beside()?;
        Ok(target)
    }

    /// Puts what `write` writes at the path.
    ///
    /// Not synced to the disk: a result that a crash of the machine loses can be computed again.
    pub(crate) fn replace(
        &self,
        write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let file = self.beside()?;
        let said = |error: io::Error| Failure::from(error).of(self.path.display());
        let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
        write(&mut out).and_then(|()| out.flush()).map_err(said)?;
        drop(out);
        file.persist(&self.path).map_err(|failed| said(failed.error))?;
        Ok(())
    }

    /// A file in the same folder, removed again unless it is renamed.
    fn beside(&self) -> Result<NamedTempFile, Failure> {
        let mut builder = Builder::new();
        builder.prefix(".cornu-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What any new file gets, less the user's umask; left alone, temporary files are for their owner only.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(folder(&self.path)).map_err(|error| Failure::from(error).of(self.path.display()))
    }
}

/// The path with a link followed, if a file is there or can be put there.
fn resolved(path: &Path) -> Result<PathBuf, Failure> {
    if path.file_name().is_none() {
        return Err(Failure::new("a file cannot be written to this path"));
    }
    match fs::symlink_metadata(path) {
        Ok(_) => {
            let path = path.canonicalize()?;
            match fs::metadata(&path)?.is_file() {
                true => Ok(path),
                false => Err(Failure::new("something that is not a file is already there")),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match folder(path).is_dir() {
            true => Ok(path.to_path_buf()),
            false => Err(Failure::new("the folder it would be written to does not exist")),
        },
        Err(error) => Err(error.into()),
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Prints to stdout; a closed pipe is a failure like any other.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::from(error).of("stdout"))
}
