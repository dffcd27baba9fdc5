//! Every op has its cases in the conformance corpus, which every backend runs.

use std::path::{Path, PathBuf};

use super::Finding;

/// Compares the folder of ops with that of their cases.
pub(crate) fn check(files: &[PathBuf]) -> Vec<Finding> {
    let (ops, cases) = (stems(files, "crates/ir/src/ops", "rs"), stems(files, "crates/ir/conformance", "ir"));
    let without = |from: &[(String, PathBuf)], others: &[(String, PathBuf)], message: &str| {
        let missing = from.iter().filter(|(name, _)| others.iter().all(|(other, _)| other != name));
        missing.map(|(name, path)| Finding::new(path, 0, message.replace("{}", name))).collect::<Vec<_>>()
    };
    let mut findings = without(&ops, &cases, "crates/ir/conformance/{}.ir is missing");
    findings.extend(without(&cases, &ops, "there is no op file crates/ir/src/ops/{}.rs"));
    findings
}

fn stems(files: &[PathBuf], folder: &str, extension: &str) -> Vec<(String, PathBuf)> {
    let here = files.iter().filter(|path| path.parent() == Some(Path::new(folder)));
    let these = here.filter(|path| path.extension().is_some_and(|end| end == extension));
    these
        .map(|path| (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), path.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_op_without_cases_is_found() {
        let files = ["crates/ir/src/ops/dot.rs", "crates/ir/src/ops/pad.rs", "crates/ir/conformance/dot.ir"];
        let findings = check(&files.map(PathBuf::from));
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(lines, ["crates/ir/src/ops/pad.rs: crates/ir/conformance/pad.ir is missing"]);
    }
}
