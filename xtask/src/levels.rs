//! The tests as a lesser machine would run them: with the instruction sets of this one switched off, the best first.

use crate::Outcome;
use crate::process::{cargo, run};

/// What `CORNU_CPU` may name here, beside the best, which tests take anyway.
fn lesser() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let there =
        [(is_x86_feature_detected!("avx512f"), "avx2"), (is_x86_feature_detected!("avx2"), "portable")];
    #[cfg(not(target_arch = "x86_64"))]
    let there = [(false, "portable")];
    there.into_iter().filter(|(better, _)| *better).map(|(_, name)| name).collect()
}

/// `cargo xtask levels`.
pub(crate) fn of(args: &[String]) -> Outcome {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    test(if args.is_empty() { &["--workspace"] } else { &args })
}

/// Runs tests with each lesser instruction set; `args` go to `cargo test`.
pub(crate) fn test(args: &[&str]) -> Outcome {
    for level in lesser() {
        eprintln!("== CORNU_CPU={level}");
        run(cargo(["test", "--locked", "--no-fail-fast"]).args(args).env("CORNU_CPU", level))?;
    }
    Ok(())
}
