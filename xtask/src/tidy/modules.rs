//! Every file is reached from a root of its package: a file that no `mod` names is dead, and nobody sees it rot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Finding, Source};

/// Says which files no module reaches.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<PathBuf> =
        sources.iter().map(|source| source.path.clone()).filter(|path| is_root(path)).collect();
    while let Some(path) = open.pop() {
        let Some(source) = sources.iter().find(|source| source.path == path) else { continue };
        if reached.insert(path) {
            open.extend(children(source));
        }
    }
    let dead = sources.iter().filter(|source| !reached.contains(&source.path));
    dead.map(|source| Finding::new(&source.path, 0, "no module names this file")).collect()
}

/// Cargo's own rule: what it compiles without being told.
fn is_root(path: &Path) -> bool {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let in_source = matches!(parts.as_slice(), [.., "src", "lib.rs" | "main.rs"] | [.., "src", "bin", _]);
    let beside = ["tests", "examples", "benches"];
    in_source
        || parts.last() == Some(&"build.rs")
        || matches!(parts.as_slice(), [.., folder, _] | [.., folder, _, "main.rs"] if beside.contains(folder))
}

/// Files that a file's `mod` items may mean. Of the two places a module can lie in, one exists.
fn children(source: &Source) -> Vec<PathBuf> {
    let folder = source.path.parent().unwrap_or(Path::new(""));
    let stem = source.path.file_stem().unwrap_or_default();
    let own = match stem.to_str() {
        Some("mod" | "lib" | "main") => folder.to_path_buf(),
        _ if is_root(&source.path) => folder.to_path_buf(),
        _ => folder.join(stem),
    };
    let mut files = Vec::new();
    for (code, text) in source.code.lines().zip(source.text.lines()) {
        if let Some(name) = module(code) {
            files.push(own.join(format!("{name}.rs")));
            files.push(own.join(name).join("mod.rs"));
        }
        // The name of the file is a string, which the code does not show.
        if ["#[path", "include!("].iter().any(|start| code.contains(start)) {
            files.extend(text.split('"').nth(1).map(|file| folder.join(file)));
        }
    }
    files
}

/// The name in `mod name;`, if the line is one.
fn module(code: &str) -> Option<&str> {
    let (before, name) = code.trim().strip_suffix(';')?.rsplit_once("mod ")?;
    let visible = before.trim();
    (visible.is_empty() || visible.starts_with("pub") || visible.ends_with(']')).then_some(name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_nothing_names_is_found() {
        let sources = [
            Source::new("crates/a/src/lib.rs", "//! A.\nmod one;\npub(crate) mod two;\n// mod four;\n"),
            Source::new("crates/a/src/one.rs", "//! One.\nmod inner;\n#[path = \"odd.rs\"]\nmod odd;\n"),
            Source::new("crates/a/src/one/inner.rs", "//! Inner.\n"),
            Source::new("crates/a/src/odd.rs", "//! Odd.\n"),
            Source::new("crates/a/src/two/mod.rs", "//! Two.\n#[cfg(test)]\nmod tests;\n"),
            Source::new("crates/a/src/two/tests.rs", "//! Tests.\n"),
            Source::new("crates/a/src/four.rs", "//! Four.\n"),
            Source::new("crates/a/tests/all.rs", "//! All.\nmod common;\n"),
            Source::new("crates/a/tests/common/mod.rs", "//! Common.\n"),
        ];
        let dead: Vec<String> = check(&sources).iter().map(Finding::to_string).collect();
        assert_eq!(dead, ["crates/a/src/four.rs: no module names this file"]);
    }
}
