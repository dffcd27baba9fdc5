//! Compiled programs on disk, so that a program is compiled once on a machine and not once in a process.
//!
//! A file holds the source and options that a program was made from, then the program: whoever reads it compares them,
//! and so two sources of one hash do no harm. Files are written under another name and renamed, so that a reader never
//! sees half of one. A cache that cannot be read or written is none: everything works without it, more slowly.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

/// The first bytes of a file.
const MAGIC: &[u8; 8] = b"cornu\0c1";

/// Where files lie: `$CORNU_CUDA_CACHE` (nowhere if that is empty), or `cornu/cuda` in `$XDG_CACHE_HOME`, or in
/// `$HOME/.cache`.
fn folder() -> Option<PathBuf> {
    if let Some(own) = std::env::var_os("CORNU_CUDA_CACHE") {
        return (!own.is_empty()).then(|| own.into());
    }
    let of = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let base = of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")))?;
    Some(base.join("cornu").join("cuda"))
}

fn file(key: &str) -> Option<PathBuf> {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    Some(folder()?.join(format!("{:016x}.cubin", hasher.finish())))
}

/// What stands before the program.
fn header(key: &str) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend((key.len() as u64).to_le_bytes());
    header.extend(key.as_bytes());
    header
}

/// The program made from this.
pub(crate) fn find(key: &str) -> Option<Vec<u8>> {
    let bytes = fs::read(file(key)?).ok()?;
    let image = bytes.strip_prefix(header(key).as_slice())?;
    (!image.is_empty()).then(|| image.to_vec())
}

/// Keeps a program.
pub(crate) fn keep(key: &str, image: &[u8]) {
    let Some(path) = file(key) else { return };
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        let beside = path.with_extension(format!("{}.part", std::process::id()));
        let mut bytes = header(key);
        bytes.extend(image);
        fs::write(&beside, bytes)?;
        fs::rename(&beside, &path)
    };
    let _ = write();
}

/// Forgets a program that the driver has refused.
pub(crate) fn forget(key: &str) {
    if let Some(path) = file(key) {
        let _ = fs::remove_file(path);
    }
}
