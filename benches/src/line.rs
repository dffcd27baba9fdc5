//! A line of JSON for each result, and one about the run they come from.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::about::About;

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) workload: String,
    /// Who did the work: the backend of Cornu, or a peer.
    pub(crate) backend: String,
    pub(crate) measure: String,
    pub(crate) unit: String,
    pub(crate) median: f64,
    pub(crate) best: f64,
    /// The distance between the extremes, as a share of the median.
    pub(crate) spread: f64,
    pub(crate) rounds: u64,
    /// Operations of Cornu's plan for the work, over those that the machine could have done in the time.
    pub(crate) share_of_peak: Option<f64>,
    /// Bytes.
    pub(crate) peak_rss: Option<u64>,
    /// Bytes that Cornu's plan and the data take, over those of a process with next to none.
    pub(crate) predicted_rss: Option<u64>,
    /// Bytes.
    pub(crate) step_allocates: Option<u64>,
    pub(crate) version: Option<String>,
}

impl Line {
    /// What it is a result of: workload, who did it, measure.
    pub(crate) fn key(&self) -> [&str; 3] {
        [&self.workload, &self.backend, &self.measure]
    }

    pub(crate) fn json(&self) -> Value {
        let mut line = json!({
            "workload": self.workload,
            "backend": self.backend,
            "measure": self.measure,
            "unit": self.unit,
            "median": self.median,
            "best": self.best,
            "spread": self.spread,
            "rounds": self.rounds,
        });
        let known = [
            ("share_of_peak", self.share_of_peak.map(Value::from)),
            ("peak_rss", self.peak_rss.map(Value::from)),
            ("predicted_rss", self.predicted_rss.map(Value::from)),
            ("step_allocates", self.step_allocates.map(Value::from)),
            ("version", self.version.clone().map(Value::from)),
        ];
        for (key, value) in known {
            if let Some(value) = value {
                line[key] = value;
            }
        }
        line
    }

    fn of(line: &Map<String, Value>) -> Option<Line> {
        let text = |key: &str| Some(line.get(key)?.as_str()?.to_string());
        let number = |key: &str| line.get(key)?.as_f64();
        let whole = |key: &str| line.get(key)?.as_u64();
        Some(Line {
            workload: text("workload")?,
            backend: text("backend")?,
            measure: text("measure")?,
            unit: text("unit")?,
            median: number("median")?,
            best: number("best")?,
            spread: number("spread")?,
            rounds: whole("rounds")?,
            share_of_peak: number("share_of_peak"),
            peak_rss: whole("peak_rss"),
            predicted_rss: whole("predicted_rss"),
            step_allocates: whole("step_allocates"),
            version: text("version"),
        })
    }
}

/// Results that were kept, and what was kept about their run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) about: Option<About>,
    pub(crate) lines: Vec<Line>,
}

impl Kept {
    /// Reads a file that [`Kept::write`] wrote.
    pub(crate) fn read(path: &Path) -> Result<Kept, String> {
        let said = |reason: String| format!("{}: {reason}", path.display());
        let text = fs::read_to_string(path).map_err(|error| said(error.to_string()))?;
        Kept::parse(&text).map_err(said)
    }

    fn parse(text: &str) -> Result<Kept, String> {
        let mut kept = Kept::default();
        for line in text.lines() {
            let said = || format!("not a result: {line}");
            let object: Map<String, Value> = serde_json::from_str(line).map_err(|_| said())?;
            match object.get("about") {
                Some(about) => kept.about = Some(About::of(about).ok_or_else(said)?),
                None => kept.lines.push(Line::of(&object).ok_or_else(said)?),
            }
        }
        Ok(kept)
    }

    /// Writes a file of lines, the one about the run first.
    pub(crate) fn write(&self, path: &Path) -> Result<(), String> {
        fs::write(path, self.text()).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn text(&self) -> String {
        let about = self.about.iter().map(|about| json!({ "about": about.json() }));
        about.chain(self.lines.iter().map(Line::json)).map(|line| line.to_string() + "\n").collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run of two workloads with two contestants.
    pub(crate) fn example() -> Kept {
        let line = |workload: &str, unit: &str, backend: &str, median: f64, known: bool| Line {
            workload: workload.to_string(),
            backend: backend.to_string(),
            measure: "train".to_string(),
            unit: unit.to_string(),
            median,
            best: median,
            spread: 0.25,
            rounds: 5,
            share_of_peak: known.then_some(0.5),
            peak_rss: known.then_some(96 << 20),
            predicted_rss: known.then_some(95 << 20),
            step_allocates: known.then_some(2500),
            version: known.then(|| format!("{backend} 1.0")),
        };
        Kept {
            about: Some(crate::about::tests::example()),
            lines: vec![
                line("W1", "samples/s", "cpu", 90_000.0, true),
                line("W1", "samples/s", "torch", 45_000.0, true),
                line("W6", "s", "cpu", 0.02, false),
                line("W6", "s", "torch", 0.5, false),
            ],
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let kept = example();
        assert_eq!(Kept::parse(&kept.text()), Ok(kept));
        assert!(Kept::parse("{}\n").is_err());
        assert!(Kept::parse("7\n").is_err());
    }
}
