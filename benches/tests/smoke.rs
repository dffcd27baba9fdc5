//! Workloads through the whole program, once: that they run and what they compute, not how fast they are.

use std::process::Command;

use serde_json::Value;

#[test]
fn one_round_of_the_smallest_workload() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, bench) = (folder.path().join("kept"), env!("CARGO_BIN_EXE_cornu-bench"));
    let line = ["--workload", "W6", "--rounds", "1", "--no-peers", "--json", "--save"];
    let output = Command::new(bench).args(line).arg(&kept).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let results: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(results.len(), 1);
    let result = &results[0];
    assert_eq!([&result["workload"], &result["backend"], &result["measure"]], ["W6", "cpu", "train"]);
    assert_eq!((&result["unit"], &result["rounds"]), (&"s".into(), &1.into()));
    for number in ["median", "best", "share_of_peak"] {
        assert!(result[number].as_f64().is_some_and(|number| number > 0.0), "{number}: {result}");
    }

    // What is kept can be compared with.
    let line = ["--workload", "W6", "--rounds", "1", "--no-peers", "--against"];
    let output = Command::new(bench).args(line).arg(&kept).output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("times as fast as before"), "{table}");
}

#[test]
fn workloads_compute_the_same_on_any_number_of_threads() {
    // The others take too long without optimisation; `cargo xtask bench --digests` compares all of them.
    for workload in ["W1", "W2", "W3", "W5", "W6"] {
        let bench = env!("CARGO_BIN_EXE_cornu-bench");
        let output = Command::new(bench).args(["--digests", "--workload", workload]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(" on 1, 2, 3, 7 threads"), "{said}");
    }
}
