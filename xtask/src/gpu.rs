//! What is tried on a machine with a GPU: built here, carried there, run there by one script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{cargo, run, target_folder};
use crate::{Outcome, cuda, root};

const HELP: &str = "\
cargo xtask gpu [--profile NAME]   builds into target/gpu all that a machine with a GPU needs to try Cornu
cargo xtask gpu --report [NAME]    registers, shared memory and spills of each kernel that trains W1 to W5, or one of
                                   them, on Hopper, as NVRTC reports them; it is fetched by pip, and no GPU is needed

Carry target/gpu to the machine. It needs NVIDIA's driver, NVRTC (of the CUDA toolkit, or `pip install
nvidia-cuda-nvrtc`) and a C library no older than the one here; neither cargo nor sources. There:

    ./run.sh                all parts, each under a limit of its own, with a line that says how it went
    ./run.sh models bench   some of them

  probe        what is there: driver, device, NVRTC (folders of pip's wheels are searched, too), PyTorch
  kernels      every kernel compiles for every architecture that kernels choose among, without spills
  conformance  every op and its gradient in all types, random programs and recorded runs, against the reference
  models       whole models trained on the GPU and on the processor, weights compared
  sanitizer    the corpus under compute-sanitizer's memcheck and racecheck, if it is installed
  bench        the workloads beside PyTorch (eager, tuned, compiled), if it is installed and sees the GPU

Results go to the folder that OUT names (`out`): summary.md with a table of all parts and the tables of the benches,
summary.jsonl and bench.jsonl with the same for programs, and a log for each part. PYTHON names the interpreter that
may have PyTorch, ROUNDS and BACKENDS (`cpu,cuda`) say how the benches run, SCALE multiplies all limits. The script
fails if a part fails.
";

/// The script that is run on the machine with a GPU.
const SCRIPT: &str = include_str!("gpu/run.sh");

/// What Python peers of the benches are made of.
const PEERS: [&str; 2] = ["companion.py", "torch_fit.py"];

/// `cargo xtask gpu`.
pub(crate) fn of(args: &[String]) -> Outcome {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => bundle("release"),
        ["--profile", profile] => bundle(profile),
        ["--report"] => report(&["W1", "W2", "W3", "W4", "W5"]),
        ["--report", workload] => report(&[workload]),
        ["--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("gpu takes none of this: {}\n\n{HELP}", args.join(" "))),
    }
}

/// Has workloads write the graphs of their programs, which takes some steps of training on the processor, and the unit
/// test of the compiler say what the kernels of these take.
fn report(workloads: &[&str]) -> Outcome {
    run(&mut cargo(["build", "--release", "--quiet", "--package", "cornu-bench"]))?;
    let bench = target_folder().join("release").join(format!("cornu-bench{}", std::env::consts::EXE_SUFFIX));
    let nvrtc = cuda::nvrtc()?;
    for workload in workloads {
        let graphs = target_folder().join("gpu-report").join(workload);
        fs::create_dir_all(&graphs).map_err(|error| said(&graphs, &error))?;
        let mut train = Command::new(&bench);
        train.args(["--digest", workload, "train"]).env("CORNU_BACKEND", "cpu").env("CORNU_DUMP", &graphs);
        run(&mut train)?;
        let test =
            ["test", "--quiet", "--package", "cornu-backend-cuda", "--lib", "--", "--nocapture", "dumped"];
        let mut test = cargo(test);
        test.env("LD_LIBRARY_PATH", &nvrtc)
            .env("CORNU_REQUIRE_NVRTC", "1")
            .env("CORNU_KERNEL_REPORT", &graphs);
        run(&mut test)?;
    }
    Ok(())
}

/// Builds everything, and lays it into a folder of its own.
fn bundle(profile: &str) -> Outcome {
    let folder = target_folder().join("gpu");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| said(&folder, &error))?;
    }
    let backend = ["test", "--no-run", "--package", "cornu-backend-cuda", "--lib", "--tests"];
    let models = ["test", "--no-run", "--package", "cornu", "--features", "cuda", "--test", "cuda"];
    let programs =
        ["build", "--package", "cornu-cli", "--package", "cornu-bench", "--features", "cornu/cuda"];
    for (name, program) in built(&backend, profile)?.into_iter().chain(built(&models, profile)?) {
        let name = match name.as_str() {
            "cornu_backend_cuda" => "kernels",
            "cuda" => "models",
            other => other,
        };
        carry(&program, &folder.join("tests").join(name))?;
    }
    for (name, program) in built(&programs, profile)? {
        carry(&program, &folder.join("release").join(name))?;
    }
    for script in PEERS {
        let text = root().join("benches/peers").join(script);
        write(&folder.join("peers").join(script), &fs::read(&text).map_err(|error| said(&text, &error))?)?;
    }
    let script = folder.join("run.sh");
    write(&script, SCRIPT.as_bytes())?;
    make_executable(&script)?;
    eprintln!("\ncarry {} to a machine with a GPU, and run ./run.sh there", folder.display());
    Ok(())
}

/// The names and paths of the programs that a build makes.
fn built(args: &[&str], profile: &str) -> Result<Vec<(String, PathBuf)>, String> {
    let mut command = cargo(args.iter().copied());
    command.args(["--locked", "--profile", profile, "--message-format", "json-render-diagnostics"]);
    eprintln!("$ cargo {} --profile {profile}", args.join(" "));
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo {}` failed ({})", args.join(" "), output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(executable).collect())
}

/// The name and path of the program that a message of cargo tells of, if it does.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    Some((message.get("target")?.get("name")?.as_str()?.to_string(), path.into()))
}

/// Copies a program without its symbols, where a tool takes them away.
fn carry(from: &Path, to: &Path) -> Outcome {
    make_parent(to)?;
    let is_stripped =
        Command::new("strip").arg("-o").arg(to).arg(from).status().is_ok_and(|status| status.success());
    if is_stripped { Ok(()) } else { fs::copy(from, to).map(drop).map_err(|error| said(from, &error)) }
}

fn write(to: &Path, bytes: &[u8]) -> Outcome {
    make_parent(to)?;
    fs::write(to, bytes).map_err(|error| said(to, &error))
}

fn make_parent(path: &Path) -> Outcome {
    let parent = path.parent().ok_or_else(|| format!("{} lies nowhere", path.display()))?;
    fs::create_dir_all(parent).map_err(|error| said(parent, &error))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(|error| said(path, &error))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Outcome {
    Ok(())
}

fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_what_cargo_says() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"corpus"},"executable":"/t/corpus-1"}"#;
        assert_eq!(executable(line), Some(("corpus".to_string(), "/t/corpus-1".into())));
        assert_eq!(executable(&line.replace("\"/t/corpus-1\"", "null")), None);
        assert_eq!(executable("Compiling"), None);
    }

    /// Every part that the help names is there, and no other.
    #[test]
    fn the_script_has_the_parts_that_the_help_names() {
        for line in HELP.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
            let part = line.split_whitespace().next().unwrap_or_default();
            assert!(SCRIPT.contains(&format!("part_{part}() {{")), "{part}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_script_can_be_read_by_a_shell() {
        let script = root().join("xtask/src/gpu/run.sh");
        // Where there is no bash, nobody can run it anyway.
        let checked = Command::new("bash").arg("-n").arg(script).status();
        assert!(checked.is_err() || checked.is_ok_and(|status| status.success()));
    }
}
