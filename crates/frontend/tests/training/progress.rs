//! What a training shows, seen from outside of its process.

use std::process::Command;

use cornu::Verbose;

use crate::models::*;

/// Set in the process that trains: how much it shows.
const SHOWS: &str = "CORNU_TEST_SHOWS";

/// Not a test of its own: the process that is watched.
#[test]
fn trains_and_shows_when_asked() {
    let Some(how) = std::env::var_os(SHOWS) else { return };
    let verbose = match how.to_str().unwrap() {
        "auto" => Verbose::Auto,
        "lines" => Verbose::Lines,
        "profile" => Verbose::Profile,
        "bar" => Verbose::Bar,
        _ => Verbose::Silent,
    };
    let (x, y) = data(64);
    model().fit(&x, &y, epochs(2).validation_split(0.25).verbose(verbose)).unwrap();
}

/// What it writes on standard error.
fn shown(how: &str) -> String {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "progress::trains_and_shows_when_asked", "--nocapture"])
        .env(SHOWS, how)
        .output()
        .unwrap();
    assert!(child.status.success());
    String::from_utf8(child.stderr).unwrap()
}

#[test]
fn a_log_gets_a_plain_line_for_each_epoch_and_a_terminal_a_live_one() {
    if std::env::var_os(SHOWS).is_some() {
        return;
    }
    assert_eq!(shown("silent"), "");
    for how in ["auto", "lines"] {
        let text = shown(how);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[1].starts_with("Epoch 2/2 - 0s ") && lines[1].contains(" - val_mae: 0."), "{text}");
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
    }
    let text = shown("profile");
    let last = text.lines().last().unwrap();
    let named = ["time: ", "data ", "steps ", "validation ", "callbacks ", "other "];
    assert!(named.iter().all(|name| last.contains(name)), "{text}");
    let text = shown("bar");
    assert!(text.starts_with("Epoch 1/2\n\r") && text.contains("━ 0s ") && text.ends_with('\n'), "{text:?}");
}
