//! Rewrites the expected outputs of text tests by what comes out now. Read the difference before you commit it.

use crate::Outcome;
use crate::process::{cargo, run};

/// Runs the tests with the variable that makes them write instead of compare; `args` choose which.
pub(crate) fn tests(args: &[String]) -> Outcome {
    let chosen =
        if args.is_empty() { vec!["--workspace"] } else { args.iter().map(String::as_str).collect() };
    run(cargo(["test", "--no-fail-fast"].into_iter().chain(chosen)).env("CORNU_BLESS", "1"))
}
