//! What can be wrong with a file: one line each, naming the file, the place inside it, and what is needed.

use std::fmt;
use std::io;
use std::path::Path;

/// A place inside a file: a member of an archive, a group or dataset, or the file as a whole.
///
/// Names come from files that nobody vouches for, so control characters are escaped and length is bounded when the
/// place is made: an error stays one readable line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: String,
    inside: String,
}

impl Place {
    /// The file as a whole.
    pub fn file(path: impl AsRef<Path>) -> Place {
        Place { file: printable(&path.as_ref().to_string_lossy()), inside: String::new() }
    }

    /// A part of this place, written `file: part` or `file: part/part`.
    pub fn inside(&self, part: &str) -> Place {
        let part = printable(part);
        let inside = if self.inside.is_empty() { part } else { format!("{}: {part}", self.inside) };
        Place { file: self.file.clone(), inside }
    }

    /// Something the file must have is not there.
    pub fn missing(&self, needed: impl fmt::Display) -> FileError {
        FileError::Missing { at: self.clone(), needed: needed.to_string() }
    }

    /// Something is there, but of the wrong kind.
    pub fn mismatch(&self, found: impl fmt::Display, needed: impl fmt::Display) -> FileError {
        FileError::Mismatch {
            at: self.clone(),
            found: printable(&found.to_string()),
            needed: needed.to_string(),
        }
    }

    /// The format allows it, Cornu does not.
    pub fn refused(&self, found: impl fmt::Display, needed: impl fmt::Display) -> FileError {
        FileError::Refused {
            at: self.clone(),
            found: printable(&found.to_string()),
            needed: needed.to_string(),
        }
    }

    /// The bytes contradict themselves or the format.
    pub fn corrupt(&self, found: impl fmt::Display) -> FileError {
        FileError::Corrupt { at: self.clone(), found: printable(&found.to_string()) }
    }

    /// More than a file of this size can honestly ask for.
    pub fn too_large(&self, found: impl fmt::Display, limit: impl fmt::Display) -> FileError {
        FileError::TooLarge {
            at: self.clone(),
            found: printable(&found.to_string()),
            limit: limit.to_string(),
        }
    }

    /// The operating system refused.
    pub fn io(&self, action: &'static str, source: io::Error) -> FileError {
        FileError::Io { at: self.clone(), action, source }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if !self.inside.is_empty() {
            write!(f, ": {}", self.inside)?;
        }
        Ok(())
    }
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{at}: cannot {action}: {source}")]
    Io {
        /// Where.
        at: Place,
        /// The attempted action, as a verb: `read`, `write`, …
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Something the file must have is not there.
    #[error("{at}: missing; {needed}")]
    Missing {
        /// Where it was looked for.
        at: Place,
        /// What is needed there.
        needed: String,
    },
    /// Something is there, but of the wrong kind.
    #[error("{at}: found {found}, needed {needed}")]
    Mismatch {
        /// Where.
        at: Place,
        /// What is there.
        found: String,
        /// What is needed there.
        needed: String,
    },
    /// The format allows it, Cornu does not, because it reaches outside the file or cannot be read as numbers.
    #[error("{at}: refused {found}; {needed}")]
    Refused {
        /// Where.
        at: Place,
        /// What is there.
        found: String,
        /// What can be there instead.
        needed: String,
    },
    /// The bytes contradict themselves or the format.
    #[error("{at}: the file is damaged or truncated: {found}")]
    Corrupt {
        /// Where.
        at: Place,
        /// The contradiction.
        found: String,
    },
    /// More than a file of this size can honestly ask for.
    #[error("{at}: {found} is too large; the limit is {limit}")]
    TooLarge {
        /// Where.
        at: Place,
        /// What is asked for.
        found: String,
        /// What is allowed.
        limit: String,
    },
}

impl FileError {
    /// Where it happened.
    pub fn place(&self) -> &Place {
        match self {
            FileError::Io { at, .. }
            | FileError::Missing { at, .. }
            | FileError::Mismatch { at, .. }
            | FileError::Refused { at, .. }
            | FileError::Corrupt { at, .. }
            | FileError::TooLarge { at, .. } => at,
        }
    }
}

/// Longest text from a file that an error quotes, in characters.
const QUOTED: usize = 200;

/// `text` on one line and of bounded length.
fn printable(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == QUOTED {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_the_file_says() {
        let at = Place::file("model.keras").inside("config.json").inside("a\nb\u{1b}");
        assert_eq!(
            at.missing("a layer needs it").to_string(),
            r"model.keras: config.json: a\nb\u{1b}: missing; a layer needs it"
        );
    }

    #[test]
    fn long_names_are_cut() {
        let error = Place::file("m").corrupt("x".repeat(10_000));
        assert!(error.to_string().chars().count() < 300);
    }
}
