//! Tells code from comments and strings, so that a rule about code is not broken by a sentence that talks about it.

/// What the reader is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Code,
    LineComment,
    /// With how many others it is nested in.
    BlockComment(usize),
    Text,
    /// With how many `#` it ends.
    RawText(usize),
}

/// `text` with everything but code replaced by spaces; lines stay where they are.
pub(crate) fn only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut inside = Inside::Code;
    let mut at = 0;
    while at < chars.len() {
        let (next, length) = step(inside, &chars[at..]);
        for &c in &chars[at..chars.len().min(at + length)] {
            let shown = inside == Inside::Code && next == Inside::Code || c == '\n';
            code.push(if shown { c } else { ' ' });
        }
        inside = next;
        at += length;
    }
    code
}

/// What the next characters lead into, and how many they are.
fn step(inside: Inside, rest: &[char]) -> (Inside, usize) {
    let starts = |text: &str| text.chars().enumerate().all(|(index, c)| rest.get(index) == Some(&c));
    match inside {
        Inside::Code if starts("//") => (Inside::LineComment, 2),
        Inside::Code if starts("/*") => (Inside::BlockComment(0), 2),
        Inside::Code if starts("\"") => (Inside::Text, 1),
        Inside::Code => match raw_start(rest) {
            Some((marks, length)) => (Inside::RawText(marks), length),
            None => (Inside::Code, word_or_character(rest)),
        },
        Inside::LineComment if starts("\n") => (Inside::Code, 1),
        Inside::LineComment => (inside, 1),
        Inside::BlockComment(0) if starts("*/") => (Inside::Code, 2),
        Inside::BlockComment(depth) if starts("*/") => (Inside::BlockComment(depth - 1), 2),
        Inside::BlockComment(depth) if starts("/*") => (Inside::BlockComment(depth + 1), 2),
        Inside::BlockComment(_) => (inside, 1),
        Inside::Text if starts("\\") => (inside, 2),
        Inside::Text if starts("\"") => (Inside::Code, 1),
        Inside::Text => (inside, 1),
        Inside::RawText(marks) => {
            match rest[0] == '"' && rest[1..].iter().take_while(|&&c| c == '#').count() >= marks {
                true => (Inside::Code, 1 + marks),
                false => (inside, 1),
            }
        }
    }
}

/// The `r#"` of a raw string: its number of marks and its length.
fn raw_start(rest: &[char]) -> Option<(usize, usize)> {
    let letters = match rest {
        ['r', ..] => 1,
        ['b' | 'c', 'r', ..] => 2,
        _ => return None,
    };
    let marks = rest[letters..].iter().take_while(|&&c| c == '#').count();
    (rest.get(letters + marks) == Some(&'"')).then_some((marks, letters + marks + 1))
}

/// How many characters belong together: a whole word, because the `r` at the end of one starts no raw string; or a
/// character literal, because its quote starts no string.
fn word_or_character(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, tail @ ..] => 4 + tail.iter().take(8).position(|&c| c == '\'').unwrap_or(0),
        ['\'', _, '\'', ..] => 3,
        _ => rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count().max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn comments_and_strings_are_blank() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            ("f(\"x \\\" y\") g", "f(        ) g"),
            ("r#\"a \" b\"# c", "           c"),
            ("var\"a\" b", "var    b"),
            ("'\"' a '\\'' \"b\" 'c", "'\"' a '\\''     'c"),
            ("'\\u{22}' \"a\"", "'\\u{22}'    "),
        ] {
            assert_eq!(only(text), code, "{text}");
        }
    }
}
