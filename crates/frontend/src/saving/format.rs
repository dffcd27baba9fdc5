//! Format: which of Keras's file formats a file is in.

use std::path::Path;

use super::{FileError, Place, Source, archive, hdf5};

/// Keras's file formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `.keras`: an archive with everything, from Keras 3.
    Archive,
    /// `.h5`: an HDF5 file with everything, from any Keras.
    Legacy,
    /// `.weights.h5`: an HDF5 file with weights alone, from Keras 3.
    Weights,
}

impl Format {
    /// What the suffix of a file to be written asks for.
    pub(crate) fn of_output(path: &Path) -> Result<Format, FileError> {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        // `.weights.h5` ends in `.h5` too.
        if name.ends_with(".weights.h5") {
            Ok(Format::Weights)
        } else if name.ends_with(".keras") {
            Ok(Format::Archive)
        } else if name.ends_with(".h5") || name.ends_with(".hdf5") {
            Ok(Format::Legacy)
        } else {
            Err(Place::file(path).mismatch("a suffix that says no format", ".keras, .h5 or .weights.h5"))
        }
    }

    /// What the content of a file to be read is, whatever its suffix.
    pub(crate) fn of_content(path: &Path, source: &Source) -> Result<Format, FileError> {
        let mut start = [0; 8];
        let length = start.len().min(source.len() as usize);
        source.read_at(0, &mut start[..length]).map_err(|error| source.place().io("read", error))?;
        if start.starts_with(&archive::SIGNATURE) {
            return Ok(Format::Archive);
        }
        if start != hdf5::SIGNATURE {
            return Err(source
                .place()
                .mismatch("neither an archive nor an HDF5 file", "a `.keras` or `.h5` model"));
        }
        let is_weights = path.to_string_lossy().ends_with(".weights.h5");
        Ok(if is_weights { Format::Weights } else { Format::Legacy })
    }
}
