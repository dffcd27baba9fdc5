//! Memory: nothing is left behind by what is done again and again.

use std::process::Command;

use crate::models::*;

/// Set in the process that is measured: memory is that of a whole process.
const MEASURED: &str = "CORNU_TEST_MEMORY";

/// Resident memory in KiB, where the system tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Fails if memory grows by a mebibyte or more after the hundredth time.
fn steady(what: &str, times: usize, mut work: impl FnMut()) {
    (0..100).for_each(|_| work());
    let Some(before) = resident() else { return };
    (100..times).for_each(|_| work());
    let after = resident().unwrap();
    assert!(after < before + 1024, "{what}: {before} KiB at the 100th time, {after} KiB at the {times}th");
}

/// Not a test of its own: the process that is measured.
#[test]
fn is_measured_when_asked() {
    let Some(what) = std::env::var_os(MEASURED) else { return };
    let (x, y) = data(40);
    match what.to_str().unwrap() {
        "predict" => {
            let mut model = model();
            steady("predict", 10_000, || drop(model.predict(&x).unwrap()));
        }
        _ => steady("build and fit", 200, || {
            let mut model = model();
            model.fit(&x, &y, epochs(1)).unwrap();
        }),
    }
}

#[test]
fn memory_stays_where_it_is() {
    if std::env::var_os(MEASURED).is_some() {
        return;
    }
    for what in ["predict", "fit"] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::is_measured_when_asked", "--nocapture"])
            .env(MEASURED, what)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{what}");
    }
}
