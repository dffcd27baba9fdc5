//! CSVLogger: a line of a file for each epoch. Keras: `CSVLogger`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::file_name::python;
use super::{Callback, CallbackState, Training};
use crate::error::Result;
use crate::saving::Place;
use crate::training::Logs;

/// Writes the logs of each epoch as a line of a CSV file, with names in the first. Keras: `CSVLogger`.
///
/// Columns are those of the first epoch, with those of a validation that comes later; what an epoch does not report is
/// `NA`. Training that goes on from a checkpoint goes on in the file, behind the epochs that the checkpoint knows.
#[derive(Debug)]
pub struct CSVLogger {
    filename: PathBuf,
    separator: char,
    append: bool,
    open: Option<Open>,
    /// Where a training that goes on writes: behind so many bytes, with these columns.
    resumed: Option<(u64, Option<Vec<String>>)>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Whether names stand in the file already.
    has_names: bool,
    columns: Option<Vec<String>>,
    /// Length of the file.
    written: u64,
}

impl CSVLogger {
    /// Into this file, replacing it.
    pub fn new(filename: impl Into<PathBuf>) -> CSVLogger {
        CSVLogger { filename: filename.into(), separator: ',', append: false, open: None, resumed: None }
    }

    /// What stands between values.
    pub fn separator(mut self, separator: char) -> CSVLogger {
        self.separator = separator;
        self
    }

    /// Whether lines are added to those of the file, to go on with an earlier training.
    pub fn append(mut self, append: bool) -> CSVLogger {
        self.append = append;
        self
    }

    /// The open file. It is opened late: by then it is known whether training goes on.
    fn open(&mut self) -> io::Result<&mut Open> {
        if self.open.is_none() {
            self.open = Some(match self.resumed.take() {
                Some((length, columns)) => Open::after(&self.filename, length, columns)?,
                None => Open::begin(&self.filename, self.append)?,
            });
        }
        match &mut self.open {
            Some(open) => Ok(open),
            None => unreachable!("it was opened above"),
        }
    }

    fn write(&mut self, epoch: usize, logs: &Logs) -> io::Result<()> {
        let separator = self.separator;
        let open = self.open()?;
        let columns = open.columns.get_or_insert_with(|| columns(logs)).clone();
        if !open.has_names {
            let names = ["epoch"].into_iter().chain(columns.iter().map(String::as_str));
            let names = names.map(|name| quoted(name, separator)).collect::<Vec<_>>();
            open.line(&names, separator)?;
            open.has_names = true;
        }
        let value = |name: &String| logs.get(name).map_or("NA".to_string(), python);
        let values: Vec<String> = [epoch.to_string()].into_iter().chain(columns.iter().map(value)).collect();
        open.line(&values, separator)
    }
}

impl Open {
    fn begin(path: &Path, append: bool) -> io::Result<Open> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(!append).to_owned();
        let mut file = options.open(path)?;
        let has_names = !matches!(file.read(&mut [0])?, 0);
        let written = file.seek(SeekFrom::End(0))?;
        Ok(Open { file, has_names, columns: None, written })
    }

    /// Behind the first `length` bytes: what comes after them is of epochs that are trained again.
    fn after(path: &Path, length: u64, columns: Option<Vec<String>>) -> io::Result<Open> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() > length {
            file.set_len(length)?;
        }
        let written = file.seek(SeekFrom::End(0))?;
        Ok(Open { file, has_names: written > 0, columns, written })
    }

    /// One line, complete in the file before the next moment. It ends as those of Python's `csv` do.
    fn line(&mut self, values: &[String], separator: char) -> io::Result<()> {
        let line = values.join(separator.encode_utf8(&mut [0; 4])) + "\r\n";
        self.file.write_all(line.as_bytes())?;
        self.written += line.len() as u64;
        Ok(())
    }
}

/// Names of the columns: those of the logs, and those of a validation that has not been yet.
fn columns(logs: &Logs) -> Vec<String> {
    let names: Vec<String> = logs.iter().map(|(name, _)| name.to_string()).collect();
    let validation: Vec<String> = match names.iter().any(|name| name.starts_with("val_")) {
        true => Vec::new(),
        false => names.iter().map(|name| format!("val_{name}")).collect(),
    };
    names.into_iter().chain(validation).collect()
}

/// A name in quotes, if it has letters that mean something in a CSV file.
fn quoted(name: &str, separator: char) -> String {
    match name.contains([separator, '"', '\r', '\n']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_string(),
    }
}

impl Callback for CSVLogger {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        (self.open, self.resumed) = (None, None);
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let at = Place::file(&self.filename);
        Ok(self.write(epoch, logs).map_err(|e| at.io("write", e))?)
    }

    fn on_train_end(&mut self, _: &mut Training<'_>) -> Result<()> {
        let at = Place::file(&self.filename);
        self.open().map_err(|e| at.io("write", e))?;
        self.open = None;
        Ok(())
    }

    without_batch_logs!();

    fn name(&self) -> &str {
        "CSVLogger"
    }

    fn state(&self) -> CallbackState {
        match (&self.open, &self.resumed) {
            (Some(open), _) => json!({ "written": open.written, "columns": open.columns }).into(),
            (None, Some((length, columns))) => json!({ "written": length, "columns": columns }).into(),
            (None, None) => CallbackState::default(),
        }
    }

    fn restore(&mut self, _: &mut Training<'_>, state: CallbackState) -> Result<()> {
        self.resumed = state.values["written"].as_u64().map(|length| {
            let columns = state.values["columns"].as_array();
            let text = |name: &serde_json::Value| name.as_str().map(String::from);
            (length, columns.map(|columns| columns.iter().filter_map(text).collect()))
        });
        Ok(())
    }
}
