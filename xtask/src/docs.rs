//! Documentation that is generated: a fact that stands in the code is printed by the code, never copied by hand.

use std::fs;

use crate::process::cargo;
use crate::{Outcome, root};

/// A file under `docs/`, and the example of the package `cornu` that prints it.
const GENERATED: [(&str, &str); 1] = [("keras-compatibility.md", "compatibility")];

/// Writes the files; with `--check` it says instead which ones are stale.
pub(crate) fn run(args: &[String]) -> Outcome {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("docs takes --check or nothing".to_string()),
    };
    for (file, example) in GENERATED {
        if !root().join(format!("crates/frontend/examples/{example}.rs")).exists() {
            eprintln!("docs/{file}: nothing prints it yet (the example `{example}` of the package cornu)");
            continue;
        }
        let text = printed_by(example)?;
        let path = root().join("docs").join(file);
        if check && fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            return Err(format!("docs/{file} is stale; `cargo xtask docs` writes it"));
        }
        if !check {
            fs::create_dir_all(root().join("docs")).map_err(|error| error.to_string())?;
            fs::write(&path, text).map_err(|error| format!("docs/{file}: {error}"))?;
        }
    }
    Ok(())
}

fn printed_by(example: &str) -> Result<String, String> {
    let output = cargo(["run", "--quiet", "--package", "cornu", "--example", example]).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("example {example}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("example {example}: {error}"))
}
