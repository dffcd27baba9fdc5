//! `.npz` files: a zip of `.npy` files, one for each name.

use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::array::{self, Array};

/// No model has that many inputs.
const MOST_MEMBERS: usize = 10_000;

/// Up to this size nobody asks how well the archive is packed.
const HARMLESS_BYTES: u64 = 256 << 20;

/// How much larger than the file its arrays may be when they are not small. Data worth learning from hardly packs
/// better than ten to one; a file made to fill the memory reaches a thousand to one.
const MOST_EXPANSION: u64 = 100;

/// Reads all arrays of an archive of `length` bytes.
pub(crate) fn read(file: impl Read + Seek, length: u64) -> Result<Vec<(String, Array)>, String> {
    let mut archive = ZipArchive::new(file).map_err(|error| error.to_string())?;
    if archive.len() > MOST_MEMBERS {
        return Err(format!("an archive of {} members; {MOST_MEMBERS} are allowed", archive.len()));
    }
    let mut arrays: Vec<(String, Array)> = Vec::new();
    let mut claimed: u64 = 0;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(|error| error.to_string())?;
        claimed = claimed.saturating_add(member.size());
        if claimed > HARMLESS_BYTES.max(length.saturating_mul(MOST_EXPANSION)) {
            return Err(format!("{length} bytes that claim to hold more than {claimed} are not unpacked"));
        }
        let name = array_name(&member)?;
        if arrays.iter().any(|(other, _)| *other == name) {
            return Err(format!("two arrays are called `{name}`"));
        }
        let size = member.size();
        let array = array::read(&mut member, size).map_err(|error| format!("array `{name}`: {error}"))?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// The array's name: the member's without `.npy`. Names are keys here and never become paths.
fn array_name(member: &ZipFile<'_, impl Read>) -> Result<String, String> {
    let name = member.name().map_err(|error| error.to_string())?;
    let array = name.strip_suffix(".npy").map(str::to_string);
    array.ok_or_else(|| format!("member `{name}` is not a .npy file"))
}
