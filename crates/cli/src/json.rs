//! The one object that `--json` prints.

use std::fmt::Write;

/// Number, list of numbers, or list of lists, as a metric gives one number or several, once or for every epoch.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Number(f64),
    List(Vec<Json>),
}

/// An object with these entries, in this order.
pub(crate) fn object(entries: &[(String, Json)]) -> String {
    let mut text = String::from("{");
    for (index, (key, value)) in entries.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // A string has nothing that serde_json could fail on.
        let key = serde_json::Value::from(key.as_str());
        write!(text, "{comma}{key}: ").expect("writing to a string");
        value.write(&mut text);
    }
    text + "}\n"
}

/// The same entries for people: one on each line.
pub(crate) fn lines(entries: &[(String, Json)]) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        text += key;
        text += ": ";
        value.write(&mut text);
        text.push('\n');
    }
    text
}

impl From<f64> for Json {
    fn from(number: f64) -> Json {
        Json::Number(number)
    }
}

impl<T: Into<Json>> FromIterator<T> for Json {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Json {
        Json::List(items.into_iter().map(T::into).collect())
    }
}

impl Json {
    fn write(&self, text: &mut String) {
        match self {
            Json::Number(number) => text.push_str(&number_text(*number)),
            Json::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { ", " });
                    item.write(text);
                }
                text.push(']');
            }
        }
    }
}

/// JSON has no word for numbers that are not finite; Python's `json` reads and writes these.
fn number_text(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_string(),
        f64::INFINITY => "Infinity".to_string(),
        f64::NEG_INFINITY => "-Infinity".to_string(),
        _ => format!("{number:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_what_python_reads() {
        let entries = [
            ("loss".to_string(), Json::Number(1e-7)),
            ("a \"b\"".to_string(), Json::List(vec![Json::Number(f64::NAN), Json::Number(2.0)])),
            ("c".to_string(), Json::List(vec![Json::List(vec![Json::Number(f64::NEG_INFINITY)])])),
        ];
        assert_eq!(object(&entries), "{\"loss\": 1e-7, \"a \\\"b\\\"\": [NaN, 2.0], \"c\": [[-Infinity]]}\n");
    }
}
