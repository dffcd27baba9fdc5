//! Tables: products of matrices and convolutions, each by itself, as shares of what the processor can do.

mod convolutions;
mod grid;
mod kernel;
mod products;

use cornu_backend_cpu::Cpu;

pub(crate) use grid::Grid;

use crate::about::About;
use crate::args::Args;
use crate::contestant::{Contestant, Question};
use crate::line::{Kept, Line};
use crate::statistics::{extreme, median, spread};
use crate::unit::Unit;

/// Measures all tables, and prints and keeps them as asked.
pub(crate) fn measure(args: &Args) -> Result<(), String> {
    let about = About::now()?;
    if !args.json {
        println!("{}, {}, {}\n{}\n", about.date, about.processor, about.instruction_set, about.limits());
    }
    let mut lines = products::lines(args, &about)?;
    lines.extend(convolutions::lines(args, &about)?);
    if args.json {
        lines.iter().for_each(|line| println!("{}", line.json()));
    }
    if let Some(path) = &args.save {
        Kept { about: Some(about), lines }.write(path)?;
    }
    Ok(())
}

/// One thread, and all of them.
fn cpus() -> Result<[Cpu; 2], String> {
    let said = |error: cornu_ir::error::BackendError| error.to_string();
    Ok([Cpu::with_threads(1).map_err(said)?, Cpu::new().map_err(said)?])
}

/// What a cell of a table is about.
struct Cell<'a> {
    table: &'a str,
    row: &'a str,
    column: &'a str,
    /// Operations a second that the threads can do.
    peak: f64,
}

impl Cell<'_> {
    /// The results of all contestants, in GFLOP/s; rounds are interleaved.
    fn lines(&self, contestants: Vec<Contestant>, rounds: usize) -> Result<Vec<Line>, String> {
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); contestants.len()];
        let mut contestants = contestants;
        for _ in 0..rounds {
            for (contestant, values) in contestants.iter_mut().zip(&mut values) {
                values.push(contestant.ask(Question::Round)?);
            }
        }
        let results = contestants.iter().zip(&values);
        Ok(results.map(|(contestant, values)| self.line(contestant, values)).collect())
    }

    fn line(&self, contestant: &Contestant, values: &[f64]) -> Line {
        let middle = median(values);
        Line {
            workload: self.table.to_string(),
            backend: contestant.name.clone(),
            measure: format!("{}, {}", self.row, self.column),
            unit: Unit::Gflops.name().to_string(),
            median: middle,
            best: extreme(values, f64::max),
            spread: spread(values),
            rounds: values.len() as u64,
            share_of_peak: Some(1e9 * middle / self.peak),
            peak_rss: None,
            predicted_rss: None,
            step_allocates: None,
            version: contestant.version.clone(),
        }
    }
}

/// Prints a table, unless lines of JSON are wanted.
fn show(args: &Args, lines: &[Line]) {
    if !args.json {
        println!("{}", Grid::of(lines).text());
    }
}
