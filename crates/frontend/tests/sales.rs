//! The example `sales`, from two tables to a prediction in dollars, on tables made here.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rows whose earnings follow from the other columns.
fn table(rows: std::ops::Range<u32>) -> String {
    let mut text = String::from("critic_rating,is_action,total_earnings,unit_price\n");
    for row in rows {
        let (rating, action, price) =
            (f64::from(row * 7 % 9) / 2.0 + 1.0, row % 2, f64::from(row * 5 % 3) * 10.0 + 39.99);
        let earnings = 20_000.0 * rating + 15_000.0 * f64::from(action) + 500.0 * price;
        writeln!(text, "{rating},{action},{earnings:.0},{price}").expect("a string grows");
    }
    text
}

/// The example's program, which `cargo test` builds beside this one.
fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("this program");
    let profile = tests.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    profile.join("examples").join(format!("sales{}", std::env::consts::EXE_SUFFIX))
}

#[test]
fn learns_from_one_table_and_is_measured_on_another() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("train.csv"), table(0..300)).expect("written");
    fs::write(folder.path().join("test.csv"), table(300..360)).expect("written");
    let output = Command::new(program())
        .args(["train.csv", "test.csv", "30"])
        .current_dir(folder.path())
        .output()
        .expect("the example is built");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.path().join("trained_model.h5").exists());

    let after = |text: &str| said.split(text).nth(1).unwrap_or_else(|| panic!("no `{text}` in {said}"));
    let number = |text: &str| -> f64 {
        let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        digits.trim_end_matches('.').parse().expect("a number")
    };
    let error = number(after("scaled: "));
    assert!(error < 0.01, "the error is {error}");
    let (predicted, actual) = (number(after("predicted $")), number(after("actual $")));
    assert!((predicted - actual).abs() < 0.15 * actual, "{said}");
}

#[test]
fn a_table_without_the_column_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.csv"), "x,y\n1,2\n").expect("written");
    let output = Command::new(program())
        .args(["a.csv", "a.csv"])
        .current_dir(folder.path())
        .output()
        .expect("the example is built");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a.csv has no column total_earnings"));
}
