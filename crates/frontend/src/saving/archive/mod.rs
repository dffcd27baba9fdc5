//! `.keras` archives: a zip file with metadata, configuration, weights and assets.

mod read;
mod write;

pub use read::Archive;
pub use write::{Contents, date_saved, write};

/// Which version wrote the archive, and when.
pub const METADATA: &str = "metadata.json";
/// The model and how it was compiled.
pub const CONFIG: &str = "config.json";
/// The weights; see [`super::weights`].
pub const WEIGHTS: &str = "model.weights.h5";
/// What the names of all assets begin with.
pub const ASSETS: &str = "assets/";

/// How zip files begin, unless they are empty.
pub const SIGNATURE: [u8; 4] = *b"PK\x03\x04";

/// Whether a member's name stays below the archive, wherever it is unpacked.
fn is_safe(name: &str) -> bool {
    let part_is_safe = |part: &str| !matches!(part, "" | "." | "..");
    let name = name.strip_suffix('/').unwrap_or(name);
    name.split('/').all(part_is_safe) && !name.contains(['\\', ':']) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_not_safe() {
        for name in ["config.json", "assets/layers/string_lookup/vocabulary.txt", "assets/", "a/..b"] {
            assert!(is_safe(name), "{name}");
        }
        for name in
            ["", "/", "/etc/passwd", "../x", "a/../../x", "a//b", "C:\\x", "C:x", "a\\b", "a\nb", "./a"]
        {
            assert!(!is_safe(name), "{name}");
        }
    }
}
