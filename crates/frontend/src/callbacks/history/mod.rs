//! History: the logs of every epoch. Keras: `History`.

mod plot;

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::saving::Place;
use crate::saving::json::{self as text, as_float, float};
use crate::svg;
use crate::training::Logs;

/// What `fit` returns: for each epoch the loss and the metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Numbers of the epochs, counted from 0.
    pub epoch: Vec<usize>,
    /// For each name its values, an entry for each epoch that reported it.
    pub metrics: Vec<(String, Vec<f64>)>,
    /// Whether training was interrupted from outside, and did not end by itself.
    pub interrupted: bool,
}

impl History {
    /// The values called `name`, one for each epoch.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.metrics.iter().find(|(key, _)| key == name).map(|(_, values)| values.as_slice())
    }

    /// The value called `name` after the last epoch.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name)?.last().copied()
    }

    /// Keeps the logs of an epoch.
    pub(crate) fn add(&mut self, epoch: usize, logs: &Logs) {
        self.epoch.push(epoch);
        for (name, value) in logs.iter() {
            match self.metrics.iter_mut().find(|(key, _)| key == name) {
                Some((_, values)) => values.push(value),
                None => self.metrics.push((name.to_string(), vec![value])),
            }
        }
    }

    /// Draws the learning curves into a file: `.svg`, or `.png` with the feature `png`. Each quantity has a field of
    /// its own, with the curve of training and, where there is one, that of validation.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        svg::write(path.as_ref(), &self.to_svg(), "")
    }

    /// The learning curves as SVG.
    pub fn to_svg(&self) -> String {
        plot::draw(self)
    }

    /// As JSON: `{"epoch": [0, 1], "history": {"loss": [0.7, 0.5]}, "interrupted": false}`. Numbers keep all their
    /// digits, and NaN and the infinities are written as Python writes them.
    pub fn to_json(&self) -> String {
        text::print(&self.to_value())
    }

    /// From the text that [`History::to_json`] writes.
    pub fn from_json(json: &str) -> Result<History> {
        let at = Place::file("history");
        let value = text::parse(&at, json.as_bytes())?;
        let needed = "epochs and lists of numbers, as `History::to_json` writes them";
        Ok(History::from_value(&value).ok_or_else(|| at.mismatch("another text", needed))?)
    }

    pub(crate) fn to_value(&self) -> Value {
        let list = |values: &[f64]| Value::from_iter(values.iter().copied().map(float));
        let metrics = self.metrics.iter().map(|(name, values)| (name.clone(), list(values)));
        json!({
            "epoch": self.epoch,
            "history": Map::from_iter(metrics),
            "interrupted": self.interrupted,
        })
    }

    pub(crate) fn from_value(value: &Value) -> Option<History> {
        let epoch = value.get("epoch")?.as_array()?.iter().map(|epoch| Some(epoch.as_u64()? as usize));
        let metric = |(name, values): (&String, &Value)| {
            let values: Option<Vec<f64>> = values.as_array()?.iter().map(as_float).collect();
            Some((name.clone(), values?))
        };
        Some(History {
            epoch: epoch.collect::<Option<_>>()?,
            metrics: value.get("history")?.as_object()?.iter().map(metric).collect::<Option<_>>()?,
            interrupted: value.get("interrupted").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_as_it_was_written() {
        let mut history = History::default();
        let logs = |loss: f64| Logs::new([("loss".to_string(), loss), ("mae".to_string(), 0.1 + 0.2)]);
        history.add(3, &logs(f64::from(0.1f32)));
        history.add(4, &logs(f64::INFINITY));
        let text = history.to_json();
        assert!(text.contains("0.30000000000000004") && text.contains("Infinity"), "{text}");
        assert_eq!(History::from_json(&text).expect("read"), history);
        for wrong in ["", "[]", r#"{"epoch": [0]}"#, r#"{"epoch": ["a"], "history": {}}"#] {
            assert!(History::from_json(wrong).is_err(), "{wrong}");
        }
    }
}
