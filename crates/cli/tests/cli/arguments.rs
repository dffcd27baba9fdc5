//! What is wrong with a command line or a path is said in one line, before any work is done.

use std::fs;

use crate::folder::{Folder, one_line};

#[test]
fn mistakes_on_the_command_line_end_with_2() {
    let folder = Folder::new();
    for line in [
        "",
        "train m.keras",
        "predict",
        "predict m.keras",
        "predict m.keras --input x.npy",
        "predict m.keras --input x.npy --output y.npy --bogus",
        "predict m.keras --input x.npy --output y.npy --batch-size 0",
        "predict m.keras --input x.npy --output y.npy --batch-size -3",
        "predict m.keras --input x.npy --output y.npy --batch-size many",
        "predict m.keras n.keras --input x.npy --output y.npy",
        "evaluate m.keras --input x.npy --json",
        "fit m.keras --input x.npy --target t.npy --epochs 0 --save o.keras",
        "fit m.keras --input x.npy --target t.npy --validation-split 1.5 --save o.keras",
        "convert a.keras",
        "convert a.keras b.onnx",
        "fit m.keras --input x.npy --target t.npy --save o.pt",
    ] {
        folder.fail(line);
        assert_eq!(folder.run(line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    let folder = Folder::new();
    for line in ["--help", "-h", "help", "predict --help", "fit m.keras -h"] {
        assert!(folder.succeed(line).contains("cornu convert IN OUT"), "{line}");
    }
    assert_eq!(folder.succeed("--version"), format!("cornu {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn paths_that_are_no_files_are_refused_and_never_waited_for() {
    let folder = Folder::new();
    fs::create_dir(folder.path("dir")).expect("made");
    folder.write("empty", "");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("loop", folder.path("loop")).expect("linked");
        let made = std::process::Command::new("mkfifo").arg(folder.path("pipe")).status();
        assert!(made.expect("mkfifo is there").success());
    }
    for model in ["dir", "empty", "loop", "pipe", "missing", "dir/missing", "empty/inside", "/dev/zero"] {
        for command in ["summary", "predict --input x.npy --output y.npy", "convert"] {
            let to = if command == "convert" { "out.keras" } else { "" };
            let (name, flags) = command.split_once(' ').unwrap_or((command, ""));
            let line = folder.fail(&format!("{name} {model} {flags} {to}"));
            assert!(line.starts_with("cornu: "), "{line}");
        }
    }
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_the_work() {
    let folder = Folder::new();
    fs::create_dir(folder.path("dir")).expect("made");
    folder.write("file", "");
    for output in ["dir", "missing/y.npy", "file/y.npy", "/", "..", "/dev/null"] {
        let line = folder.fail(&format!("predict m.keras --input x.npy --output {output}"));
        assert!(!line.contains("m.keras"), "the output is looked at first: {line}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", folder.path("dangling")).expect("linked");
        folder.fail("predict m.keras --input x.npy --output dangling");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_a_failure_like_any_other() {
    let folder = Folder::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = folder.run_with("--help", full);
    assert!(one_line("--help", &output).contains("stdout"));
}
