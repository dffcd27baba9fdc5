//! Writing an archive as Keras lays it out: members stored, in one fixed order.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{ASSETS, CONFIG, METADATA, WEIGHTS, is_safe};
use crate::saving::error::{FileError, Place};
use crate::saving::weights::{self, Saved};
use crate::saving::{atomic, json};

/// Everything in a `.keras` archive.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The Keras version that the files follow.
    pub keras_version: &'a str,
    /// When it was saved; see [`date_saved`].
    pub date_saved: &'a str,
    /// The serialized model.
    pub config: &'a Value,
    /// Variables of all objects.
    pub weights: &'a [Saved],
    /// Files of layers, such as vocabularies: path below `assets/`, and bytes.
    pub assets: &'a [(String, Vec<u8>)],
}

/// Writes an archive to `path` in one step; see [`atomic::write`].
pub fn write(path: &Path, contents: &Contents<'_>) -> Result<(), FileError> {
    let at = Place::file(path);
    atomic::write(path, |file| fill(ZipWriter::new(file), contents, &at))
}

fn fill(mut zip: ZipWriter<&mut File>, contents: &Contents<'_>, at: &Place) -> Result<(), FileError> {
    let metadata = serde_json::json!({
        "keras_version": contents.keras_version,
        "date_saved": contents.date_saved,
    });
    member(&mut zip, METADATA, at)?;
    put(&mut zip, json::print(&metadata).as_bytes(), METADATA, at)?;
    member(&mut zip, CONFIG, at)?;
    put(&mut zip, json::print(contents.config).as_bytes(), CONFIG, at)?;
    member(&mut zip, WEIGHTS, at)?;
    weights::write(contents.weights, &at.inside(WEIGHTS), &mut zip)?;
    for (name, bytes) in contents.assets {
        let name = format!("{ASSETS}{name}");
        if !is_safe(&name) {
            return Err(at
                .inside(&name)
                .refused("a name that leads out of the archive", "plain, relative names"));
        }
        member(&mut zip, &name, at)?;
        put(&mut zip, bytes, &name, at)?;
    }
    zip.finish().map_err(|e| failed(at, e))?;
    Ok(())
}

/// Starts a member. Its size is not known yet, so there is room for a large one.
fn member(zip: &mut ZipWriter<&mut File>, name: &str, at: &Place) -> Result<(), FileError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(name == WEIGHTS);
    zip.start_file(name, options).map_err(|e| failed(&at.inside(name), e))
}

fn put(zip: &mut ZipWriter<&mut File>, bytes: &[u8], name: &str, at: &Place) -> Result<(), FileError> {
    zip.write_all(bytes).map_err(|e| at.inside(name).io("write", e))
}

fn failed(at: &Place, error: ZipError) -> FileError {
    match error {
        ZipError::Io(source) => at.io("write", source),
        other => at.refused(other, "a zip archive must be able to hold it"),
    }
}

/// A moment as Keras writes it, `2026-01-31@23:59:59`, in coordinated universal time.
pub fn date_saved(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02}@{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of the Gregorian calendar, from days since 1 January 1970. Years are counted from March, so
/// that the leap day comes last; 400 of them have 146097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let since_march_0 = days + 719_468;
    let (era, day_of_era) = (since_march_0 / 146_097, since_march_0 % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cornu_ir::Tensor;

    use super::super::Archive;
    use super::*;
    use crate::saving::source::Source;
    use crate::saving::weights::Weights;

    #[test]
    fn dates() {
        let date = |seconds| date_saved(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(date(0), "1970-01-01@00:00:00");
        assert_eq!(date(951_782_399), "2000-02-28@23:59:59");
        assert_eq!(date(951_782_400), "2000-02-29@00:00:00");
        assert_eq!(date(1_767_225_600), "2026-01-01@00:00:00");
        assert_eq!(date(4_107_542_400), "2100-03-01@00:00:00");
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().expect("temporary");
        let path = directory.path().join("a.keras");
        let kernel = Tensor::vector(vec![1.0f32]);
        let saved = Saved::new("layers/dense", "dense", vec![kernel.clone()]);
        let contents = Contents {
            keras_version: "3.15.1",
            date_saved: "2026-01-01@00:00:00",
            config: &serde_json::json!({"class_name": "Sequential"}),
            weights: &[saved],
            assets: &[("layers/string_lookup/vocabulary.txt".into(), b"\na\n".to_vec())],
        };
        write(&path, &contents).expect("written");
        let mut archive = Archive::open(Source::open(&path).expect("there")).expect("readable");
        let vocabulary = "assets/layers/string_lookup/vocabulary.txt";
        assert_eq!(archive.names(), [METADATA, CONFIG, WEIGHTS, vocabulary]);
        assert_eq!(archive.read(CONFIG, 100).expect("read"), br#"{"class_name": "Sequential"}"#);
        assert_eq!(archive.read(vocabulary, 100).expect("read"), b"\na\n");
        let weights = Weights::open(archive.source(WEIGHTS).expect("stored")).expect("weights");
        assert_eq!(weights.read("layers/dense", 0, &kernel.ty()).expect("read"), kernel);
    }

    #[test]
    fn an_asset_cannot_leave() {
        let directory = tempfile::tempdir().expect("temporary");
        let contents = Contents {
            keras_version: "",
            date_saved: "",
            config: &Value::Null,
            weights: &[],
            assets: &[("../x".into(), vec![])],
        };
        assert!(write(&directory.path().join("a.keras"), &contents).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).expect("there").count(), 0);
    }
}
