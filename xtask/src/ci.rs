//! Every check, one after another. All of them run even when one fails, so that one round shows everything.

use std::time::Instant;

use crate::process::{cargo, run};
use crate::{Outcome, cuda, docs, levels, root, tidy};

/// A name and what it does.
type Step = (&'static str, fn() -> Outcome);

const STEPS: [Step; 9] = [
    ("format", || run(&mut cargo(["fmt", "--all", "--check"]))),
    ("tidy", || tidy::run(&root())),
    ("clippy", || {
        let lint = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        run(&mut cargo(lint))
    }),
    // Each backend alone, and both, and all that is not there by default; the tests below build the default.
    ("features", || {
        let check = ["check", "--package", "cornu", "--locked"];
        run(cargo(check).args(["--features", "cuda"]))?;
        run(cargo(check).args(["--no-default-features", "--features", "cuda"]))?;
        let further = ["--features", "png,remote-monitor", "--test", "training"];
        run(cargo(["test", "--package", "cornu", "--locked"]).args(further).args(["--", "curves", "remote"]))
    }),
    ("tests", || run(&mut cargo(["test", "--workspace", "--locked", "--no-fail-fast"]))),
    ("CUDA without a GPU", cuda::without_gpu),
    ("instruction sets", || levels::test(&ON_EACH_LEVEL)),
    ("documentation", || {
        run(cargo(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))
    }),
    ("generated files", || docs::run(&["--check".to_string()])),
];

/// The tests that depend most on the instruction set; `cargo xtask levels` runs all.
const ON_EACH_LEVEL: [&str; 4] = ["--workspace", "--test=allocation", "--test=conformance", "--test=large"];

/// Runs all steps and lists those that failed.
fn run_all(steps: &[Step]) -> Outcome {
    let mut failed = Vec::new();
    for (name, step) in steps {
        eprintln!("== {name}");
        let begun = Instant::now();
        let outcome = step();
        let seconds = begun.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => eprintln!("== {name}: passed in {seconds:.1} s\n"),
            Err(reason) => {
                eprintln!("== {name}: FAILED in {seconds:.1} s: {reason}\n");
                failed.push(*name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// `cargo xtask ci`.
pub(crate) fn all() -> Outcome {
    run_all(&STEPS)
}
