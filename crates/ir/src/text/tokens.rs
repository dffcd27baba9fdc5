//! Text cut into words, marks, values and quoted texts.

use std::fmt;

use crate::error::ParseError;

/// One piece of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'t> {
    /// Anything without spaces and marks: `add`, `f32`, `-1e-5`.
    Word(&'t str),
    /// The name of a value: `%7` is `7`.
    Value(&'t str),
    /// A quoted text, with its escapes resolved.
    Text(String),
    /// One of `( ) [ ] { } , : =`.
    Mark(char),
    /// Nothing is left.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(word) => write!(f, "`{word}`"),
            Token::Value(name) => write!(f, "`%{name}`"),
            Token::Text(text) => write!(f, "{text:?}"),
            Token::Mark(mark) => write!(f, "`{mark}`"),
            Token::End => f.write_str("the end of the text"),
        }
    }
}

/// The tokens of a text, with the lines they stand in. The last one is [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token<'_>, usize)>, ParseError> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    loop {
        rest = skip_blank(rest, &mut line);
        let (token, after) = one(rest).map_err(|message| ParseError { line, message })?;
        let is_end = token == Token::End;
        tokens.push((token, line));
        if is_end {
            return Ok(tokens);
        }
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
    }
}

/// Leaves out spaces, line ends and comments.
fn skip_blank<'t>(mut rest: &'t str, line: &mut usize) -> &'t str {
    loop {
        let after = rest.trim_start();
        *line += rest[..rest.len() - after.len()].matches('\n').count();
        if !after.starts_with(';') {
            return after;
        }
        rest = &after[after.find('\n').unwrap_or(after.len())..];
    }
}

/// The first token of a text that does not begin with a blank, and what follows it.
fn one(rest: &str) -> Result<(Token<'_>, &str), String> {
    let Some(first) = rest.chars().next() else { return Ok((Token::End, rest)) };
    match first {
        '%' => match word(&rest[1..]) {
            ("", _) => Err("`%` must be followed by the name of a value".to_string()),
            (name, after) => Ok((Token::Value(name), after)),
        },
        '"' => quoted(&rest[1..]).map(|(text, after)| (Token::Text(text), after)),
        mark if is_mark(mark) => Ok((Token::Mark(mark), &rest[mark.len_utf8()..])),
        _ => {
            let (word, after) = word(rest);
            Ok((Token::Word(word), after))
        }
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | '=')
}

fn word(rest: &str) -> (&str, &str) {
    let ends = |c: char| c.is_whitespace() || is_mark(c) || matches!(c, '%' | '"' | ';');
    rest.split_at(rest.find(ends).unwrap_or(rest.len()))
}

/// Reads up to the closing quote. Escapes are those of Rust's strings, as `{:?}` prints them.
fn quoted(rest: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok((text, chars.as_str())),
            '\\' => {
                let (escaped, after) = escape(chars.as_str())?;
                text.push(escaped);
                chars = after.chars();
            }
            _ => text.push(c),
        }
    }
    Err("a text has no closing `\"`".to_string())
}

/// The character that stands escaped at the beginning of `rest`, after the backslash.
fn escape(rest: &str) -> Result<(char, &str), String> {
    let plain = |c: char| Ok((c, &rest[1..]));
    match rest.chars().next() {
        Some('n') => plain('\n'),
        Some('r') => plain('\r'),
        Some('t') => plain('\t'),
        Some('0') => plain('\0'),
        Some(c @ ('\\' | '"' | '\'')) => plain(c),
        Some('u') => unicode(rest).ok_or_else(|| "`\\u` must be followed by a code like `{e9}`".to_string()),
        Some(_) | None => Err("`\\` must be followed by one of n r t 0 u \\ \" '".to_string()),
    }
}

fn unicode(rest: &str) -> Option<(char, &str)> {
    let (code, after) = rest.strip_prefix("u{")?.split_once('}')?;
    Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, after))
}
