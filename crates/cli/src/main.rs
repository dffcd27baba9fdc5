//! The `cornu` command: a thin client of the library. Whatever happens, it ends with an exit code and, on failure,
//! exactly one line on stderr.

mod args;
mod arrays;
mod commands;
mod error;
mod json;
mod model;
mod npy;
mod output;

use std::panic::PanicHookInfo;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::thread;

use error::Failure;

/// Exit code for a fault of our own (`EX_SOFTWARE` of sysexits.h).
const INTERNAL: u8 = 70;

/// Stack of the thread that does the work: deep models are walked by recursion, and memory is taken only as touched.
const STACK_BYTES: usize = 64 << 20;

/// Where the first panic happened and what it said.
static PANIC: OnceLock<String> = OnceLock::new();

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(remember));
    let work = thread::Builder::new().stack_size(STACK_BYTES).spawn(run);
    let outcome = work.map_err(Failure::from).map(|thread| thread.join());
    match outcome {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(failure))) | Err(failure) => fail(failure.code, &failure.to_string()),
        Ok(Err(_)) => {
            let what = Failure::new(PANIC.get().map_or("panic", String::as_str));
            fail(INTERNAL, &format!("a fault in cornu itself, please report it: {what}"))
        }
    }
}

fn run() -> Result<(), Failure> {
    commands::run(args::parse(lexopt::Parser::from_env())?)
}

fn fail(code: u8, line: &str) -> ExitCode {
    use std::io::Write;
    // Nobody may be listening; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "cornu: {line}");
    ExitCode::from(code)
}

/// Keeps a panic's message for the one line at the end, in place of the usual report.
fn remember(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(|s| s.as_str()));
    let place = info.location().map(|place| format!(" ({place})")).unwrap_or_default();
    let _ = PANIC.set(format!("{}{place}", text.unwrap_or("panic")));
}
