//! Values to text, letter for letter as Python's `json.dumps` writes them.

use std::fmt::Write;

use serde_json::{Number, Value};

use super::{not_finite, token};

/// `value` on one line: `", "` and `": "` between items, ASCII only, floats as Python's `repr`.
pub fn print(value: &Value) -> String {
    let mut out = String::new();
    print_value(value, &mut out);
    out
}

fn print_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => print_number(number, out),
        Value::String(text) => print_string(text, out),
        Value::Array(items) => {
            print_list(['[', ']'], items, out, print_value);
        }
        Value::Object(fields) => match not_finite(fields) {
            Some(number) => out.push_str(token(number)),
            None => print_list(['{', '}'], fields, out, |(key, item), out| {
                print_string(key, out);
                out.push_str(": ");
                print_value(item, out);
            }),
        },
    }
}

fn print_list<T>(
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    out: &mut String,
    print_item: impl Fn(T, &mut String),
) {
    out.push(open);
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            out.push_str(", ");
        }
        print_item(item, out);
    }
    out.push(close);
}

fn print_number(number: &Number, out: &mut String) {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) => out.push_str(&python_repr(float)),
        None => out.push_str(&number.to_string()),
    }
}

/// A finite float as Python writes it: the fewest digits that read back the same, an exponent below 1e-4 and from 1e16.
fn python_repr(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(power) if (-4..16).contains(&power) => {
            let plain = format!("{float}");
            if plain.contains('.') { plain } else { format!("{plain}.0") }
        }
        Ok(power) => format!("{mantissa}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs()),
        Err(_) => scientific,
    }
}

fn print_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            beyond_ascii => {
                for unit in beyond_ascii.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::float;
    use super::*;

    #[test]
    fn floats_read_like_python() {
        let cases = [
            (1e-7, "1e-07"),
            (0.001, "0.001"),
            (1.0, "1.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (1e15, "1000000000000000.0"),
            (-0.0, "-0.0"),
            (0.0010000000474974513, "0.0010000000474974513"),
            (1.5e-300, "1.5e-300"),
            (f64::MAX, "1.7976931348623157e+308"),
        ];
        for (number, expected) in cases {
            assert_eq!(print(&float(number)), expected);
        }
    }

    #[test]
    fn text_is_ascii() {
        assert_eq!(print(&Value::from("é\u{7f}/")), r#""\u00e9\u007f/""#);
    }
}
