//! The rules of the architecture that the compiler does not know. A test of it, not of taste.

mod code;
mod manifests;
mod modules;
mod ops;
mod sources;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;

/// A broken rule and where.
#[derive(Debug, PartialEq)]
struct Finding {
    path: PathBuf,
    /// Counted from 1; 0 for the whole file.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &Path, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: path.to_path_buf(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.message),
            line => write!(f, "{}:{line}: {}", self.path.display(), self.message),
        }
    }
}

/// A file of Rust.
struct Source {
    /// From the root of the workspace, with `/` between folders.
    path: PathBuf,
    text: String,
    /// The text with comments and the insides of strings blanked out, line for line.
    code: String,
}

impl Source {
    fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Source {
        let text = text.into();
        Source { path: path.into(), code: code::only(&text), text }
    }
}

/// Checks the workspace in `root` and prints what is wrong.
pub(crate) fn run(root: &Path) -> Outcome {
    let findings = check(root)?;
    findings.iter().for_each(|finding| eprintln!("{finding}"));
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("tidy: {count} broken rules")),
    }
}

fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let mut files = Vec::new();
    collect(root, Path::new(""), &mut files).map_err(|error| format!("{}: {error}", root.display()))?;
    files.sort();
    let mut findings = ops::check(&files);
    let mut sources = Vec::new();
    for path in &files {
        let text =
            || fs::read_to_string(root.join(path)).map_err(|error| format!("{}: {error}", path.display()));
        if path.ends_with("Cargo.toml") {
            findings.extend(manifests::check(path, &text()?));
        } else if path.extension().is_some_and(|end| end == "rs") {
            sources.push(Source::new(path, text()?));
        }
    }
    findings.extend(modules::check(&sources));
    findings.extend(sources.iter().flat_map(sources::check));
    Ok(findings)
}

/// All files below a folder, without those of tools (`.git`, `target`).
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = folder.join(&name);
        let kind = entry.file_type()?;
        if name.to_string_lossy().starts_with('.') || name == "target" {
            continue;
        }
        if kind.is_dir() {
            collect(root, &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_keeps_the_rules() {
        let findings = check(&crate::root()).expect("readable");
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}
