//! Notices: lines for the person who watches a training, on standard error.

use std::io::{IsTerminal, Write};

/// Writes a line. On a terminal it begins a new one, for a live line may stand there.
pub(crate) fn say(text: &str) {
    let mut output = std::io::stderr().lock();
    let begin = if output.is_terminal() { "\n" } else { "" };
    // Nobody may be listening, and that is no reason to end a training.
    let _ = writeln!(output, "{begin}{text}");
}

/// Writes a line about something that may not be meant.
pub(crate) fn warn(text: &str) {
    say(&format!("warning: {text}"));
}
