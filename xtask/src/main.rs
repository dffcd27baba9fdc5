//! The chores of this repository, in Rust: `cargo xtask` lists them.

mod bench;
mod bless;
mod ci;
mod cuda;
mod docs;
mod gpu;
mod interop;
mod levels;
mod peers;
mod process;
mod python;
mod tidy;
mod training;
mod weigh;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask ci              every check: format, clippy, tests, documentation, generated files, tidy
cargo xtask tidy            the rules that the compiler does not know (also a test)
cargo xtask bless [ARGS]    rewrites the expected outputs of text tests; ARGS go to cargo test
cargo xtask docs [--check]  writes the generated documentation, or says whether it is stale
cargo xtask bench [ARGS]    measures, beside peers that are set up; `cargo xtask bench --help`
cargo xtask gpu [ARGS]      builds what is tried and measured on a machine with a GPU; `cargo xtask gpu --help`
cargo xtask levels [ARGS]   every test with the best instruction sets switched off in turn; ARGS choose tests, as for
                            cargo test
cargo xtask weigh           how long a first release build takes and how large a program is; writes docs/build.md
cargo xtask kill [COUNT]    kills 200 trainings, or COUNT, at random moments, and compares how they end
cargo xtask tensorboard     reads event files by TensorBoard's own package; needs Python and the network
cargo xtask interop         holds files that Cornu writes against real Keras; needs Python and the network
";

/// What a chore answers: nothing, or why it failed.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let chore = args.next();
    let rest: Vec<String> = args.collect();
    let outcome = match chore.as_deref() {
        Some("ci") => ci::all(),
        Some("tidy") => tidy::run(&root()),
        Some("bless") => bless::tests(&rest),
        Some("docs") => docs::run(&rest),
        Some("bench") => bench::measure(&rest),
        Some("gpu") => gpu::of(&rest),
        Some("levels") => levels::of(&rest),
        Some("weigh") => weigh::all(),
        Some("kill") => training::kill(&rest),
        Some("tensorboard") => training::events_in_tensorboard(),
        Some("interop") => interop::with_keras(),
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no chore `{other}`\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace").to_path_buf()
}
