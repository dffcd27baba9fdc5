//! Arrows point one way: cli → frontend → ir ← backend-*.

use std::path::Path;

use super::Finding;

/// Which of our own packages each may use; for tests only, those in the second list too.
const ARROWS: [(&str, &[&str], &[&str]); 15] = [
    ("cornu-ir", &[], &[]),
    ("cornu-backend-cpu", &["cornu-ir"], &[]),
    ("cornu-cuda-emulator", &[], &[]),
    ("cornu-backend-cuda", &["cornu-ir"], &["cornu-backend-cpu", "cornu-cuda-emulator"]),
    ("cornu", &["cornu-ir", "cornu-backend-cpu", "cornu-backend-cuda"], &["cornu-cuda-emulator"]),
    ("cornu-cli", &["cornu"], &[]),
    ("cornu-bench", &["cornu", "cornu-ir", "cornu-backend-cpu", "cornu-backend-cuda"], &[]),
    ("xtask", &[], &[]),
    // Cornu's peers in the benches, in a workspace of their own.
    ("companion", &[], &[]),
    ("peer-burn", &["companion"], &[]),
    ("peer-candle", &["companion"], &[]),
    ("peer-gemm", &["companion"], &[]),
    ("peer-matrixmultiply", &["companion"], &[]),
    ("peer-rustyml", &["companion"], &[]),
    ("peer-tract", &["companion"], &[]),
];

/// Holds one `Cargo.toml` against the table.
pub(crate) fn check(path: &Path, text: &str) -> Vec<Finding> {
    let Some(package) = package_name(text) else { return Vec::new() };
    let Some((_, always, in_tests)) = ARROWS.iter().find(|(name, ..)| *name == package) else {
        return vec![Finding::new(path, 0, format!("say in {} what `{package}` may depend on", file!()))];
    };
    let mut findings = Vec::new();
    for (line, section, key) in keys(text) {
        let test = section.ends_with("dev-dependencies");
        let dependency = section.ends_with("dependencies") && ARROWS.iter().any(|(name, ..)| *name == key);
        if dependency && !always.contains(&key) && !(test && in_tests.contains(&key)) {
            findings.push(Finding::new(path, line, format!("`{package}` must not depend on `{key}`")));
        }
    }
    findings
}

fn package_name(text: &str) -> Option<&str> {
    let line = keys(text).find(|(_, section, key)| *section == "package" && *key == "name")?.0;
    text.lines().nth(line - 1)?.split('"').nth(1)
}

/// Line, section and key of every entry. `[dependencies.x]` is an entry `x` of `[dependencies]`, `x.workspace` is `x`.
fn keys(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, line)| {
        if let Some(header) = line.strip_prefix('[') {
            section = header.split(']').next().unwrap_or("");
            let (table, key) = section.rsplit_once('.')?;
            return table.ends_with("dependencies").then_some((index + 1, table, key));
        }
        let (key, _) = line.split_once('=')?;
        Some((index + 1, section, key.trim().split('.').next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        check(Path::new("Cargo.toml"), text).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn an_arrow_that_points_the_wrong_way_is_found() {
        let ir = "[package]\nname = \"cornu-ir\"\n[dependencies]\nlibm = \"1\"\ncornu.workspace = true\n";
        assert_eq!(messages(ir), ["Cargo.toml:5: `cornu-ir` must not depend on `cornu`"]);
        let cli =
            "[package]\nname = \"cornu-cli\"\n[target.'cfg(unix)'.dependencies.cornu-ir]\npath = \"x\"\n";
        assert_eq!(messages(cli), ["Cargo.toml:3: `cornu-cli` must not depend on `cornu-ir`"]);
        assert_eq!(messages("[package]\nname = \"new\"\n").len(), 1);
    }

    #[test]
    fn tests_of_one_backend_may_look_at_another() {
        let cuda =
            "[package]\nname = \"cornu-backend-cuda\"\n[dev-dependencies]\ncornu-backend-cpu.path = \"\"\n";
        assert!(messages(cuda).is_empty());
        assert_eq!(messages(&cuda.replace("dev-", "")).len(), 1);
        assert!(
            messages("[workspace]\nmembers = []\n[workspace.dependencies]\ncornu = { path = \"\" }\n")
                .is_empty()
        );
    }
}
