//! What each op says when it is given arguments that it does not take.
//!
//! In `infer/*.ir` every program is followed by its error as a comment. `CORNU_BLESS=1 cargo test` rewrites them.

use std::path::Path;

use cornu_ir::text::parse;

#[test]
fn errors_say_what_is_needed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/infer");
    let entries = std::fs::read_dir(&folder).expect("the folder of cases");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let written = std::fs::read_to_string(&file).expect("a case file");
        let true_now: Vec<String> = written.trim_end().split("\n\n").map(with_error).collect();
        let true_now = true_now.join("\n\n") + "\n";
        if std::env::var_os("CORNU_BLESS").is_some() {
            std::fs::write(&file, &true_now).expect("a case file that can be written");
        } else {
            assert_eq!(written, true_now, "{}", file.display());
        }
    }
}

/// The program of a block, and what its error is now.
fn with_error(block: &str) -> String {
    let program: Vec<&str> = block.lines().filter(|line| !line.starts_with(';')).collect();
    let program = program.join("\n");
    let said = parse(&program).map_or_else(|error| error.message, |_| "no error".to_string());
    format!("{program}\n; {said}")
}
