//! Patterns: regular expressions that choose weights, as Python's `re` has them.

use regex_lite::Regex;

use crate::error::{Error, Result};

/// True if a pattern is found anywhere in a text: `re.search`. One that is no regular expression is found nowhere;
/// [`check`] has reported it.
pub(super) fn is_found(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

/// True if a pattern describes the whole text: `re.fullmatch`.
pub(super) fn is_all(pattern: &str, text: &str) -> bool {
    is_found(&format!("^(?:{pattern})$"), text)
}

/// An error if one of these is no regular expression.
pub(super) fn check(class: &str, key: &str, patterns: &[String]) -> Result<()> {
    for pattern in patterns {
        if let Err(error) = Regex::new(pattern) {
            return Err(Error::config(class, key, pattern, format!("a regular expression; {error}")));
        }
    }
    Ok(())
}
