//! Results as a table for people or as lines of JSON, kept and compared with those of another day.

use std::path::PathBuf;

use crate::about::About;
use crate::args::Args;
use crate::contestant::Contestant;
use crate::job::Amount;
use crate::line::{Kept, Line};
use crate::statistics::{extreme, median, spread};
use crate::table;
use crate::unit::Unit;
use crate::workloads::Workload;

/// The values of one contestant.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) values: Vec<f64>,
    pub(crate) peak_rss: Option<u64>,
    /// The peak that Cornu's plan let expect.
    pub(crate) predicted_rss: Option<u64>,
    /// Bytes.
    pub(crate) step_allocates: Option<u64>,
    /// Why it was left out.
    pub(crate) failure: Option<String>,
}

impl Measured {
    /// Nothing measured yet.
    pub(crate) fn of(contestant: &Contestant) -> Measured {
        let Contestant { name, version, .. } = contestant;
        let (name, version) = (name.clone(), version.clone());
        Measured {
            name,
            version,
            values: Vec::new(),
            peak_rss: None,
            predicted_rss: None,
            step_allocates: None,
            failure: None,
        }
    }

    /// True if the name says so: `cuda`, `cuda:1`, `torch-eager-cuda`.
    fn is_on_gpu(&self) -> bool {
        self.name.contains("cuda")
    }

    /// What to say of one that is left out.
    pub(crate) fn failure_line(&self) -> Option<String> {
        self.failure.as_ref().map(|reason| format!("{} is left out: {reason}", self.name))
    }

    /// The result of all rounds. The share is what `amount` takes of the machine's operations in the median's time, or
    /// what a result in bytes is of those that it can move.
    fn line(&self, workload: &Workload, amount: Option<Amount>, about: &About) -> Line {
        let (unit, middle) = (workload.unit, median(&self.values));
        // Limits of the processor are no limits of a GPU.
        let amount = amount.filter(|_| !self.is_on_gpu());
        let of_memory =
            (unit == Unit::Gigabytes && !self.is_on_gpu()).then(|| 1e9 * middle / about.bytes_per_second);
        let of_operations =
            amount.map(|amount| amount.flops / unit.seconds(middle, amount.samples) / about.flops);
        Line {
            workload: workload.name.to_string(),
            backend: self.name.clone(),
            measure: workload.measure.to_string(),
            unit: unit.name().to_string(),
            median: middle,
            best: extreme(&self.values, |a, b| unit.faster(a, b)),
            spread: spread(&self.values),
            rounds: self.values.len() as u64,
            share_of_peak: of_operations.or(of_memory),
            peak_rss: self.peak_rss,
            predicted_rss: self.predicted_rss,
            step_allocates: self.step_allocates,
            version: self.version.clone(),
        }
    }
}

/// Collects results and shows them.
pub(crate) struct Report {
    json: bool,
    save: Option<PathBuf>,
    earlier: Kept,
    about: About,
    lines: Vec<Line>,
}

impl Report {
    /// An empty report; results to compare with are read now, before time is spent, and the machine's limits measured.
    pub(crate) fn new(args: &Args) -> Result<Report, String> {
        let earlier = args.against.as_deref().map(Kept::read).transpose()?.unwrap_or_default();
        let about = About::now()?;
        if cfg!(debug_assertions) {
            eprintln!("this is a debug build, which says nothing about speed; `cargo xtask bench` measures");
        }
        if !args.json {
            println!("{}, {}, {}\n{}\n", about.date, about.processor, about.instruction_set, about.limits());
        }
        Ok(Report { json: args.json, save: args.save.clone(), earlier, about, lines: Vec::new() })
    }

    /// Shows the results of a workload; the first are Cornu's.
    pub(crate) fn add(&mut self, workload: &Workload, amount: Option<Amount>, results: &[Measured]) {
        let lines: Vec<Line> =
            results.iter().map(|result| result.line(workload, amount, &self.about)).collect();
        if self.json {
            lines.iter().for_each(|line| println!("{}", line.json()));
        } else {
            self.table(workload, &lines);
        }
        self.lines.extend(lines);
    }

    /// Keeps the lines if that was asked for.
    pub(crate) fn finish(self) -> Result<(), String> {
        let Some(path) = &self.save else { return Ok(()) };
        Kept { about: Some(self.about), lines: self.lines }.write(path)
    }

    fn table(&self, workload: &Workload, lines: &[Line]) {
        let Workload { name, measure, unit, .. } = workload;
        println!("{name} {measure}: {} ({} is better)", unit.name(), unit.better());
        let show = |row: &[&str; 9]| {
            let [name, median, best, spread, ratio, share, memory, predicted, allocates] = row;
            print!("  {name:<20}{median:>11}{best:>11}{spread:>8}{ratio:>21}{share:>15}{memory:>13}");
            print!("{predicted:>11}{allocates:>17}");
        };
        show(&table::COLUMNS);
        println!();
        for (line, row) in lines.iter().zip(table::rows(*unit, lines)) {
            show(&row.each_ref().map(String::as_str));
            if let Some(earlier) = self.earlier.lines.iter().find(|earlier| earlier.key() == line.key()) {
                print!("   {:.2} times as fast as before", unit.times(line.median, earlier.median));
            }
            println!();
        }
        println!();
    }
}
