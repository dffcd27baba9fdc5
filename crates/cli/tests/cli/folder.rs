//! Runs the `cornu` command and holds every failure against the contract: one line on stderr, an exit code that is
//! neither a panic's nor a signal's, and a folder that looks as before.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// No command on a small or broken file may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder to run commands in.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A new, empty folder.
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().expect("temporary folder"))
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file into the folder.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("written");
    }

    /// The content of a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("readable")
    }

    /// Everything in the folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("readable");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs the command; arguments are separated by spaces.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.run_with(line, Stdio::piped())
    }

    /// Runs the command with another stdout.
    pub(crate) fn run_with(&self, line: &str, stdout: impl Into<Stdio>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cornu"));
        command.current_dir(self.0.path()).args(line.split_whitespace());
        let begun = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        while child.try_wait().expect("a child of ours").is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().expect("still running");
                panic!("`{line}` hangs");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.wait_with_output().expect("it has ended")
    }

    /// Runs a command that must succeed; what it printed.
    pub(crate) fn succeed(&self, line: &str) -> String {
        let output = self.run(line);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{line}`: {:?}: {stderr}", output.status);
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a command that must fail as the contract says; its one line.
    pub(crate) fn fail(&self, line: &str) -> String {
        let before = self.names();
        let output = self.run(line);
        assert_eq!(self.names(), before, "`{line}` left something behind");
        one_line(line, &output)
    }
}

/// The one line of a failed command.
pub(crate) fn one_line(line: &str, output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).expect("text");
    let code = output.status.code().unwrap_or_else(|| panic!("`{line}` ended by a signal: {stderr}"));
    assert!(matches!(code, 1..=69 | 71..=100 | 102..=127), "`{line}` ended with {code}: {stderr}");
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "`{line}`: {stderr}");
    lines[0].to_string()
}

/// A `.npy` file of 32-bit floats.
pub(crate) fn npy(shape: &[usize], items: &[f32]) -> Vec<u8> {
    npy_of("<f4", shape, &items.iter().flat_map(|item| item.to_le_bytes()).collect::<Vec<u8>>())
}

/// A `.npy` file of this type over these bytes.
pub(crate) fn npy_of(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}\n");
    let size = u16::try_from(header.len()).expect("short").to_le_bytes();
    [b"\x93NUMPY\x01\x00", size.as_slice(), header.as_bytes(), data].concat()
}

/// Shape and items of a `.npy` file of 32-bit floats that the command wrote.
pub(crate) fn floats(bytes: &[u8]) -> (Vec<usize>, Vec<f32>) {
    let head = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..head]);
    assert!(header.contains("'descr': '<f4'"), "{header}");
    let (_, shape) = header.split_once('(').expect("a shape");
    let sizes =
        shape.split(')').next().expect("a shape").split(',').filter_map(|size| size.trim().parse().ok());
    let items = bytes[head..].chunks_exact(4).map(|item| f32::from_le_bytes(item.try_into().expect("four")));
    (sizes.collect(), items.collect())
}
