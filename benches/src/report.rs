//! Results as a table for people or as lines of JSON, kept and compared with those of another day.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::args::Args;
use crate::statistics::{extreme, median, spread};
use crate::workloads::{Better, Workload};

/// The values of one contestant.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    /// Why it was left out.
    pub(crate) failure: Option<String>,
}

impl Measured {
    /// Nothing measured yet.
    pub(crate) fn of(name: String) -> Measured {
        Measured { name, values: Vec::new(), failure: None }
    }

    /// What to say of one that is left out.
    pub(crate) fn failure_line(&self) -> Option<String> {
        self.failure.as_ref().map(|reason| format!("{} is left out: {reason}", self.name))
    }
}

/// Collects results and shows them.
pub(crate) struct Report {
    json: bool,
    save: Option<PathBuf>,
    /// Medians of another day, by workload, contestant and measure.
    earlier: HashMap<[String; 3], f64>,
    lines: String,
}

impl Report {
    /// An empty report; results to compare with are read now, before time is spent.
    pub(crate) fn new(args: &Args) -> Result<Report, String> {
        let earlier = args.against.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Report { json: args.json, save: args.save.clone(), earlier, lines: String::new() })
    }

    /// Shows the results of a workload; the first are Cornu's.
    pub(crate) fn add(&mut self, workload: &Workload, results: &[Measured]) {
        let lines: Vec<String> =
            results.iter().map(|result| line(workload, result).to_string() + "\n").collect();
        self.lines.extend(lines.iter().map(String::as_str));
        if self.json {
            lines.iter().for_each(|line| print!("{line}"));
        } else {
            self.table(workload, results);
        }
    }

    /// Keeps the lines if that was asked for.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Some(path) = &self.save else { return Ok(()) };
        fs::write(path, self.lines).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn table(&self, workload: &Workload, results: &[Measured]) {
        println!(
            "{} {}: {} ({} is better)",
            workload.name,
            workload.measure,
            workload.unit,
            workload.better.word()
        );
        for result in results {
            let (middle, width) = (median(&result.values), 100.0 * spread(&result.values));
            let best = workload.best(&result.values);
            print!(
                "  {:<18} {:>14} best {:>14} spread {width:>3.0} %",
                result.name,
                short(middle),
                short(best)
            );
            if let Some(ours) = results.first().filter(|ours| ours.name != result.name) {
                print!(
                    "   Cornu is {:.2} times as fast",
                    workload.better.times(median(&ours.values), middle)
                );
            }
            if let Some(&earlier) = self.earlier.get(&key(workload, &result.name)) {
                print!("   {:.2} times as fast as before", workload.better.times(middle, earlier));
            }
            println!();
        }
        println!();
    }
}

impl Workload {
    fn best(&self, values: &[f64]) -> f64 {
        match self.better {
            Better::Higher => extreme(values, f64::max),
            Better::Lower => extreme(values, f64::min),
        }
    }
}

fn line(workload: &Workload, result: &Measured) -> Value {
    json!({
        "workload": workload.name,
        "backend": result.name,
        "measure": workload.measure,
        "unit": workload.unit,
        "median": median(&result.values),
        "best": workload.best(&result.values),
        "spread": spread(&result.values),
        "rounds": result.values.len(),
    })
}

fn key(workload: &Workload, name: &str) -> [String; 3] {
    [workload.name, name, workload.measure].map(String::from)
}

fn read(path: &Path) -> Result<HashMap<[String; 3], f64>, String> {
    let said = |reason: String| format!("{}: {reason}", path.display());
    let text = fs::read_to_string(path).map_err(|error| said(error.to_string()))?;
    let entry = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| Some(line.get(key)?.as_str()?.to_string());
        Some(([text("workload")?, text("backend")?, text("measure")?], line.get("median")?.as_f64()?))
    };
    text.lines().map(|line| entry(line).ok_or_else(|| said(format!("not a result: {line}")))).collect()
}

/// Four digits, with thousands apart where there are more.
fn short(value: f64) -> String {
    if value < 1000.0 {
        let digits = (3 - value.max(1e-3).log10().floor() as i32).max(0) as usize;
        return format!("{value:.digits$}");
    }
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap_or("")).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn four_digits_are_enough() {
        assert_eq!([0.01234, 1.5, 250.0, 1234567.8].map(short), ["0.01234", "1.500", "250.0", "1,234,568"]);
    }
}
