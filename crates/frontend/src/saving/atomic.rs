//! Writing a file in one step: the old content stays until the new is complete and on the disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{FileError, Place};

/// Replaces the file at `path` by what `fill` writes.
///
/// The bytes go to a temporary file in the same directory, are synced, and take the name in one step. When anything
/// fails, the temporary file is removed and whatever was at `path` is untouched.
pub fn write(path: &Path, fill: impl FnOnce(&mut File) -> Result<(), FileError>) -> Result<(), FileError> {
    let at = Place::file(path);
    let target = target(path, &at)?;
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let mut temporary = temporary_in(directory).map_err(|e| at.io("write", e))?;
    fill(temporary.as_file_mut())?;
    temporary.as_file().sync_all().map_err(|e| at.io("write", e))?;
    temporary.persist(&target).map_err(|e| at.io("write", e.error))?;
    sync_directory(directory).map_err(|e| at.io("write", e))
}

/// The file to replace: where a symbolic link points to, if `path` is one. Only regular files can be replaced.
fn target(path: &Path, at: &Place) -> Result<PathBuf, FileError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::canonicalize(path).map_err(|e| at.io("write", e)),
        Ok(found) if found.is_dir() => Err(at.mismatch("a directory", "a file to write")),
        Ok(_) => Err(at.mismatch("not a regular file", "a file to write")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(e) => Err(at.io("write", e)),
    }
}

/// A new file beside the target. It gets the permissions of any new file, not those of a private temporary one.
fn temporary_in(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".saving-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// Makes the new name survive a power cut. Only Unix lets a directory be opened and synced.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("readable");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_content_replaces_the_old() {
        let directory = tempfile::tempdir().expect("temporary");
        let path = directory.path().join("a.keras");
        for content in ["one", "two"] {
            write(&path, |file| {
                file.write_all(content.as_bytes()).map_err(|e| Place::file(&path).io("write", e))
            })
            .expect("written");
            assert_eq!(fs::read_to_string(&path).expect("readable"), content);
        }
        assert_eq!(names(directory.path()), ["a.keras"]);
    }

    #[test]
    fn a_failure_leaves_everything_as_it_was() {
        let directory = tempfile::tempdir().expect("temporary");
        let path = directory.path().join("a.keras");
        fs::write(&path, "old").expect("written");
        let failed = write(&path, |file| {
            file.write_all(b"half").map_err(|e| Place::file(&path).io("write", e))?;
            Err(Place::file(&path).corrupt("a reason"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).expect("readable"), "old");
        assert_eq!(names(directory.path()), ["a.keras"]);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let directory = tempfile::tempdir().expect("temporary");
        let error = write(directory.path(), |_| Ok(())).expect_err("a directory");
        assert!(error.to_string().contains("a directory"));
        let nowhere = directory.path().join("missing/a.keras");
        assert!(write(&nowhere, |_| Ok(())).is_err());
        assert!(names(directory.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_pointing_at_the_file() {
        let directory = tempfile::tempdir().expect("temporary");
        let (file, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        write(&link, |out| out.write_all(b"new").map_err(|e| Place::file(&link).io("write", e)))
            .expect("written");
        assert_eq!(fs::read_to_string(&file).expect("readable"), "new");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    }
}
