//! Why a command failed: one line and an exit code.

use std::fmt;

/// Exit code for what the arguments got wrong, as shells and most commands use it.
const USAGE: u8 = 2;

/// Exit code for everything else that is not our own fault.
const FAILED: u8 = 1;

/// What ends a command early.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    message: String,
}

impl Failure {
    /// The work could not be done.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure { code: FAILED, message: message.into() }
    }

    /// The command line was not understood.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { code: USAGE, message: message.into() }
    }

    /// The same failure, said of `subject`.
    pub(crate) fn of(self, subject: impl fmt::Display) -> Failure {
        Failure { message: format!("{subject}: {}", self.message), ..self }
    }
}

/// Always one line: names from files and paths may hold anything.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.message.lines().map(str::trim).filter(|line| !line.is_empty());
        let joined = lines.collect::<Vec<_>>().join("; ");
        joined.chars().try_for_each(|c| fmt::Write::write_char(f, if c.is_control() { ' ' } else { c }))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::new(error.to_string())
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Failure {
        Failure::usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_it_holds() {
        let failure = Failure::new("\nfirst\r\n\n  second\x1b[0m\n").of("a\nb");
        assert_eq!(failure.to_string(), "a; b:; first; second [0m");
        assert_eq!(failure.code, 1);
    }
}
