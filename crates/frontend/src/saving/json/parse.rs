//! Text to values, with a bound on everything a hostile text could make large.

use serde_json::{Map, Number, Value};

use super::float;
use crate::saving::error::{FileError, Place};

/// Longest text, in bytes. The largest honest ones carry a vocabulary.
const MAX_BYTES: usize = 64 << 20;
/// Most values in one text: each takes some seventy bytes once parsed.
const MAX_VALUES: usize = 4 << 20;
/// Deepest nesting. One model inside another takes four levels.
const MAX_DEPTH: usize = 256;

/// The value that `text` spells. Refuses duplicate keys, integers beyond 64 bits, and whatever exceeds the bounds
/// above; `at` is where the text comes from.
pub fn parse(at: &Place, text: &[u8]) -> Result<Value, FileError> {
    if text.len() > MAX_BYTES {
        return Err(
            at.too_large(format!("a JSON text of {} bytes", text.len()), format!("{MAX_BYTES} bytes"))
        );
    }
    let text = std::str::from_utf8(text).map_err(|e| at.corrupt(format!("JSON that is not UTF-8: {e}")))?;
    let mut parser = Parser { at, text, position: 0, values: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.position < text.len() {
        return Err(parser.unexpected("the end of the text"));
    }
    Ok(value)
}

struct Parser<'a> {
    at: &'a Place,
    text: &'a str,
    position: usize,
    values: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, FileError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.at.too_large("the number of JSON values", MAX_VALUES));
        }
        if depth > MAX_DEPTH {
            return Err(self.at.too_large("the nesting of the JSON", format!("{MAX_DEPTH} levels")));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(_) | None => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, FileError> {
        self.position += 1;
        let mut fields = Map::new();
        if self.take_if(b'}') {
            return Ok(Value::Object(fields));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in quotes"));
            }
            let key = self.string()?;
            if !self.take_if(b':') {
                return Err(self.unexpected("`:`"));
            }
            let value = self.value(depth + 1)?;
            if fields.contains_key(&key) {
                return Err(self
                    .at
                    .inside(&self.line())
                    .mismatch(format!("the key `{key}` twice"), "each key once"));
            }
            fields.insert(key, value);
            if self.take_if(b'}') {
                return Ok(Value::Object(fields));
            }
            if !self.take_if(b',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, FileError> {
        self.position += 1;
        let mut items = Vec::new();
        if self.take_if(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take_if(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take_if(b',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    /// A number or one of the bare words.
    fn word(&mut self) -> Result<Value, FileError> {
        let rest = &self.text[self.position..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => float(f64::NAN),
            "Infinity" => float(f64::INFINITY),
            "-Infinity" => float(f64::NEG_INFINITY),
            number => self.number(number)?,
        };
        self.position += end;
        Ok(value)
    }

    fn number(&self, word: &str) -> Result<Value, FileError> {
        if !is_number(word) {
            return Err(self.unexpected("a value"));
        }
        if word.contains(['.', 'e', 'E']) {
            return word.parse().map(float).map_err(|_| self.unexpected("a number"));
        }
        let integer =
            word.parse::<i64>().map(Number::from).or_else(|_| word.parse::<u64>().map(Number::from));
        integer
            .map(Value::Number)
            .map_err(|_| self.at.inside(&self.line()).too_large(format!("the integer {word}"), "64 bits"))
    }

    fn string(&mut self) -> Result<String, FileError> {
        self.position += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.position..];
            let Some(stop) =
                rest.find(|c: char| c == '"' || c == '\\' || c.is_ascii_control() && c != '\u{7f}')
            else {
                return Err(self.unexpected("the end of a string"));
            };
            out.push_str(&rest[..stop]);
            self.position += stop;
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) | None => return Err(self.unexpected("no control characters in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, FileError> {
        let letter = self.text.as_bytes().get(self.position + 1).copied();
        let plain = match letter {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            Some(_) | None => return Err(self.unexpected("an escape JSON knows")),
        };
        self.position += 2;
        Ok(plain)
    }

    /// `\uXXXX`, or two of them for a character beyond 16 bits.
    fn unicode_escape(&mut self) -> Result<char, FileError> {
        let first = self.code_unit()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) {
            units.push(self.code_unit()?);
        }
        let mut decoded = char::decode_utf16(units);
        match decoded.next() {
            Some(Ok(c)) => Ok(c),
            Some(Err(_)) | None => Err(self.unexpected("a pair of surrogates")),
        }
    }

    fn code_unit(&mut self) -> Result<u16, FileError> {
        let digits = self.text.get(self.position..).and_then(|rest| rest.strip_prefix("\\u")?.get(..4));
        let hex = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = hex.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.unexpected("`\\u` and four hexadecimal digits"))?;
        self.position += 6;
        Ok(unit)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.position += 1;
        }
    }

    /// Skips space, and then `byte` if it is next.
    fn take_if(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn unexpected(&self, needed: &str) -> FileError {
        let found = match self.text.get(self.position..).and_then(|rest| rest.chars().next()) {
            Some(c) => format!("`{c}`"),
            None => "the end of the text".to_owned(),
        };
        self.at.inside(&self.line()).mismatch(found, needed)
    }

    /// The position as people count: `line 1, column 17`.
    fn line(&self) -> String {
        let before = self.text.get(..self.position).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        format!("line {line}, column {column}")
    }
}

/// JSON's own grammar of numbers, which is narrower than Rust's: no `+1`, no `.5`, no `01`.
fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

#[cfg(test)]
mod tests {
    use super::super::{as_float, print};
    use super::*;

    fn read(text: &str) -> Result<Value, FileError> {
        parse(&Place::file("test.json"), text.as_bytes())
    }

    #[test]
    fn python_text_comes_back_as_it_was() {
        let text = concat!(
            r#"{"a": [1, -2, 1.0, 1e-07, NaN, Infinity, -Infinity], "b": {"c": null, "d": true}, "#,
            r#""e": "\u00e9\ud83d\ude00\n\"\\", "f": {}, "g": [], "h": 18446744073709551615}"#
        );
        assert_eq!(print(&read(text).expect("valid")), text);
    }

    #[test]
    fn numbers_that_are_not_finite_are_numbers() {
        let value = read("[NaN, -Infinity, 1e999, 3]").expect("valid");
        let numbers: Vec<f64> = value.as_array().expect("array").iter().filter_map(as_float).collect();
        assert!(numbers[0].is_nan());
        assert_eq!(numbers[1..], [f64::NEG_INFINITY, f64::INFINITY, 3.0]);
    }

    #[test]
    fn wrong_text_is_refused_with_the_line() {
        let cases = [
            ("", "the end of the text"),
            ("{", "a key in quotes"),
            ("{\"a\": 1,\n \"a\": 2}", "line 2, column 8: found the key `a` twice"),
            ("[1 2]", "`,` or `]`"),
            ("[1]x", "the end of the text"),
            ("{\"a\" 1}", "`:`"),
            ("01", "a value"),
            ("+1", "a value"),
            ("1.", "a value"),
            ("nan", "a value"),
            ("99999999999999999999", "64 bits"),
            ("\"\\ud800\"", "four hexadecimal digits"),
            ("\"\\ud800\\u0041\"", "surrogates"),
            ("\"\\udc00\"", "surrogates"),
            ("\"\\u+041\"", "four hexadecimal digits"),
            ("\"\\x\"", "an escape JSON knows"),
            ("\"a\nb\"", "no control characters"),
            ("\"abc", "the end of a string"),
        ];
        for (text, expected) in cases {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert_eq!(error.lines().count(), 1);
        }
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let deep = "[".repeat(100_000);
        assert!(read(&deep).expect_err("deep").to_string().contains("256 levels"));
        let deep_objects = "{\"a\":".repeat(100_000);
        assert!(read(&deep_objects).is_err());
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert!(read(&many).expect_err("many").to_string().contains("number of JSON values"));
        assert!(parse(&Place::file("t"), &[0xff]).is_err());
    }
}
