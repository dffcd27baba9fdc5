//! File names made of numbers, as Python's `str.format` makes them: `{epoch:02d}-{val_loss:.2f}.keras`.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::saving::json::{float, print};

/// A number that a name may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// The epoch or the batch.
    Whole(usize),
    /// From the logs.
    Float(f64),
}

/// Fills the template. `find` gives the number of a name; `class` is whose `filepath` it is.
pub(super) fn fill(class: &str, template: &str, find: impl Fn(&str) -> Option<Number>) -> Result<String> {
    let wrong = |needed: String| Error::config(class, "filepath", format!("{template:?}"), needed);
    let mut out = String::new();
    let mut rest = template;
    while let Some(place) = rest.find(['{', '}']) {
        out += &rest[..place];
        let brace = &rest[place..=place];
        rest = &rest[place + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out += brace;
            rest = after;
            continue;
        }
        let field = rest.split_once('}').filter(|_| brace == "{");
        let (field, after) =
            field.ok_or_else(|| wrong("a name whose braces `{` and `}` are paired".into()))?;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let number = find(name).ok_or_else(|| {
            wrong(format!("a name whose fields are `epoch` and logs; there is no `{name}` here"))
        })?;
        let spec = Spec::parse(spec)
            .ok_or_else(|| wrong(format!("a name whose formats are like `02d` or `.2f`; `{spec}` is not")))?;
        out += &spec
            .write(number)
            .ok_or_else(|| wrong(format!("a name whose formats fit; `{name}` is not a whole number")))?;
        rest = after;
    }
    Ok(out + rest)
}

/// What stands behind the colon: `[[fill]align][sign][0][width][.precision][type]`.
#[derive(Clone, Copy, Debug)]
struct Spec {
    fill: char,
    align: char,
    sign: bool,
    width: usize,
    precision: Option<usize>,
    kind: Option<char>,
}

/// Longest text of one number. Names of files are shorter.
const MAX_WIDTH: usize = 200;

impl Spec {
    fn parse(text: &str) -> Option<Spec> {
        let mut letters: Vec<char> = text.chars().collect();
        let is_align = |letter: Option<&char>| matches!(letter, Some('<' | '>' | '^' | '='));
        let mut spec = Spec { fill: ' ', align: '>', sign: false, width: 0, precision: None, kind: None };
        if is_align(letters.get(1)) {
            (spec.fill, spec.align) = (letters[0], letters[1]);
            letters.drain(..2);
        } else if is_align(letters.first()) {
            spec.align = letters.remove(0);
        }
        let mut rest: String = letters.into_iter().collect();
        if let Some(after) = rest.strip_prefix(['+', '-']) {
            spec.sign = rest.starts_with('+');
            rest = after.to_string();
        }
        if rest.starts_with('0') {
            (spec.fill, spec.align) = ('0', '=');
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        spec.width = if digits == 0 { 0 } else { rest[..digits].parse().ok()? };
        rest = rest[digits..].to_string();
        if let Some(after) = rest.strip_prefix('.') {
            let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            spec.precision = Some(after[..digits].parse().ok()?);
            rest = after[digits..].to_string();
        }
        spec.kind = rest.chars().next();
        let is_known = matches!(rest.as_str(), "" | "d" | "f" | "F" | "e" | "E" | "%");
        (is_known && spec.width <= MAX_WIDTH && spec.precision.unwrap_or(0) <= MAX_WIDTH).then_some(spec)
    }

    /// The number in this form; `None` if it has none.
    fn write(&self, number: Number) -> Option<String> {
        let (negative, digits) = match (number, self.kind) {
            (Number::Whole(count), None | Some('d')) => (false, count.to_string()),
            (Number::Float(_), Some('d')) => return None,
            (Number::Whole(count), Some(kind)) => self.digits(count as f64, Some(kind)),
            (Number::Float(value), kind) => self.digits(value, kind),
        };
        let sign = if negative {
            "-"
        } else if self.sign {
            "+"
        } else {
            ""
        };
        let missing = self.width.saturating_sub(sign.len() + digits.chars().count());
        let fill = |count: usize| self.fill.to_string().repeat(count);
        Some(match self.align {
            '<' => format!("{sign}{digits}{}", fill(missing)),
            '^' => format!("{}{sign}{digits}{}", fill(missing / 2), fill(missing - missing / 2)),
            '=' => format!("{sign}{}{digits}", fill(missing)),
            _ => format!("{}{sign}{digits}", fill(missing)),
        })
    }

    /// Whether a number is negative, and its digits without a sign.
    fn digits(&self, value: f64, kind: Option<char>) -> (bool, String) {
        let negative = value.is_sign_negative() && !value.is_nan();
        let size = value.abs();
        let precision = self.precision.unwrap_or(6);
        let text = match kind {
            _ if !size.is_finite() => if size.is_nan() { "nan" } else { "inf" }.to_string(),
            Some('e' | 'E') => {
                let text = format!("{size:.precision$e}");
                let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
                let power: i32 = power.parse().unwrap_or(0);
                let text = format!("{mantissa}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs());
                if kind == Some('E') { text.to_uppercase() } else { text }
            }
            Some('%') => format!("{:.precision$}%", size * 100.0),
            Some(_) => format!("{size:.precision$}"),
            None => python(size),
        };
        (negative, text)
    }
}

/// A float as Python's `str` writes it.
pub(super) fn python(value: f64) -> String {
    match float(value) {
        Value::Number(number) => print(&Value::Number(number)),
        _ if value.is_nan() => "nan".to_string(),
        _ if value > 0.0 => "inf".to_string(),
        _ => "-inf".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(template: &str) -> Result<String> {
        fill("ModelCheckpoint", template, |name| match name {
            "epoch" => Some(Number::Whole(7)),
            "val_loss" => Some(Number::Float(0.012_345)),
            "gain" => Some(Number::Float(-1234.5)),
            _ => None,
        })
    }

    #[test]
    fn names_are_those_of_python() {
        let cases = [
            ("a.keras", "a.keras"),
            ("{epoch:02d}-{val_loss:.2f}.keras", "07-0.01.keras"),
            ("{epoch}-{val_loss}", "7-0.012345"),
            ("{epoch:.1f}|{epoch:>4d}|{epoch:<4}|{epoch:*^5d}", "7.0|   7|7   |**7**"),
            ("{gain:010.2f}|{gain:+.0f}|{gain:.3e}|{val_loss:+.1%}", "-001234.50|-1234|-1.234e+03|+1.2%"),
            ("{{{epoch}}}", "{7}"),
        ];
        for (template, expected) in cases {
            assert_eq!(name(template).expect(template), expected);
        }
    }

    #[test]
    fn what_python_refuses_is_an_error() {
        for (template, needed) in [
            ("{val_acc}", "there is no `val_acc` here"),
            ("{epoch", "paired"),
            ("epoch}", "paired"),
            ("{val_loss:d}", "not a whole number"),
            ("{epoch:x>>3}", "`x>>3` is not"),
            ("{epoch:9999999d}", "is not"),
        ] {
            let error = name(template).expect_err(template).to_string();
            assert!(error.contains(needed), "{template}: {error}");
        }
    }
}
