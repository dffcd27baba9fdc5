//! Rules that one file of Rust can break by itself.

use super::{Finding, Source};

/// Lines longer than this are hard to read side by side; rustfmt breaks code earlier, but no strings and comments.
const LONGEST_LINE: usize = 120;

/// How far above an `unsafe` block its reason may begin.
const REASON_LINES: usize = 8;

/// Where a backend touches memory and the machine. Everything else is safe code.
const UNSAFE_PLACES: [&str; 15] = [
    "crates/backend-cpu/src/kernels/",
    "crates/backend-cpu/src/simd/",
    "crates/backend-cpu/src/buffer.rs",
    "crates/backend-cpu/src/executable.rs",
    "crates/backend-cpu/src/lanes.rs",
    "crates/backend-cpu/src/team.rs",
    // An allocator that counts, which only unsafe code can be.
    "crates/backend-cpu/tests/allocation.rs",
    // Calls of CUDA's driver and compiler, which only unsafe code can make.
    "crates/backend-cuda/src/compile.rs",
    "crates/backend-cuda/src/device.rs",
    "crates/backend-cuda/src/driver.rs",
    // Libraries that are loaded, and cudarc's calls that take pointers, in the stand-in for a GPU.
    "crates/cuda-emulator/src/libraries.rs",
    "crates/cuda-emulator/tests/emulator/driver.rs",
    "crates/cuda-emulator/tests/emulator/support.rs",
    // Crates whose functions take pointers, in the benches.
    "benches/peers/rust/gemm/src/main.rs",
    "benches/peers/rust/matrixmultiply/src/main.rs",
];

/// The only file outside the backends that knows which ones there are.
const NAMES_BACKENDS: &str = "crates/frontend/src/device.rs";

/// Holds one file against the rules.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: usize, message: String| findings.push(Finding::new(&source.path, line, message));
    if !source.text.starts_with("//! ") {
        report(1, "the first line must say in `//!` what the file is for".to_string());
    }
    let path = source.path.to_string_lossy().replace('\\', "/");
    let unsafe_allowed = UNSAFE_PLACES.iter().any(|place| path.starts_with(place));
    let backend_allowed =
        path == NAMES_BACKENDS || ["crates/backend-", "benches/"].iter().any(|place| path.starts_with(place));
    let lines: Vec<&str> = source.text.lines().collect();
    for (index, (code, text)) in source.code.lines().zip(&lines).enumerate() {
        let line = index + 1;
        if text.chars().count() > LONGEST_LINE {
            report(line, format!("longer than {LONGEST_LINE} characters"));
        }
        for unfinished in ["todo!", "unimplemented!", "dbg!"] {
            if code.contains(unfinished) {
                report(line, format!("`{unfinished}` is for work in progress"));
            }
        }
        if code.contains("cornu_backend_") && !backend_allowed {
            report(line, format!("only {NAMES_BACKENDS} names a backend"));
        }
        if has_word(code, "unsafe") && !unsafe_allowed {
            report(line, format!("`unsafe` belongs into {}", UNSAFE_PLACES.join(", ")));
        }
        let reasons = &lines[index.saturating_sub(REASON_LINES)..=index];
        if opens_unsafe(code) && !reasons.iter().any(|line| line.contains("SAFETY")) {
            report(line, "say in a SAFETY comment which check makes this sound".to_string());
        }
    }
    findings
}

/// An unsafe block or implementation. An `unsafe fn` only asks something of its callers.
fn opens_unsafe(code: &str) -> bool {
    ["unsafe {", "unsafe impl"].iter().any(|start| code.contains(start))
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(path, text)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(messages("a.rs", "fn main() {}\n").len(), 1);
        assert!(messages("a.rs", "//! Nothing.\nfn main() {}\n").is_empty());
    }

    #[test]
    fn unsafe_stays_where_it_belongs_and_gives_its_reason() {
        let text = "//! A.\n// SAFETY: checked.\nlet a = unsafe { b() };\n";
        assert!(messages("crates/backend-cpu/src/simd/a.rs", text).is_empty());
        assert_eq!(messages("crates/backend-cpu/src/lower.rs", text).len(), 1);
        assert_eq!(messages("crates/backend-cpu/src/simd/a.rs", &text.replace("SAFETY", "")).len(), 1);
        assert!(messages("a.rs", "//! A.\n#![forbid(unsafe_code)] // never unsafe\n").is_empty());
    }

    #[test]
    fn backends_are_named_in_one_place() {
        let text = "//! A.\nuse cornu_backend_cpu::Cpu;\n";
        assert!(messages("crates/frontend/src/device.rs", text).is_empty());
        assert!(messages("crates/backend-cpu/tests/a.rs", text).is_empty());
        assert_eq!(messages("crates/frontend/src/lib.rs", text).len(), 1);
    }

    #[test]
    fn unfinished_work_and_long_lines_are_found() {
        let words = ["to", "do!()"].concat();
        assert_eq!(messages("a.rs", &format!("//! A.\nfn a() {{ {words} }}\n")).len(), 1);
        assert!(messages("a.rs", &format!("//! A.\n// {words}\n")).is_empty());
        assert_eq!(messages("a.rs", &format!("//! {}\n", "a".repeat(117))).len(), 1);
    }
}
