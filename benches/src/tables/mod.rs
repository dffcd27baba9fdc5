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
    // Others on the machine can only make limits look lower, so the best of three moments counts.
    let mut about = About::now()?;
    let mut lines = products::lines(args)?;
    about = about.or_better(About::now()?);
    lines.extend(convolutions::lines(args)?);
    about = about.or_better(About::now()?);
    for line in &mut lines {
        let peak = if line.measure.ends_with(ONE_THREAD) { about.flops_of_one_core } else { about.flops };
        line.share_of_peak = Some(1e9 * line.median / peak);
    }
    if args.json {
        lines.iter().for_each(|line| println!("{}", line.json()));
    } else {
        println!("{}, {}, {}\n{}\n", about.date, about.processor, about.instruction_set, about.limits());
        for table in lines.chunk_by(|a, b| a.workload == b.workload) {
            println!("{}", Grid::of(table).text());
        }
    }
    if let Some(path) = &args.save {
        Kept { about: Some(about), lines }.write(path)?;
    }
    Ok(())
}

/// The column of what one thread does; all others are of all threads.
const ONE_THREAD: &str = "1 thread";

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
        Line {
            workload: self.table.to_string(),
            backend: contestant.name.clone(),
            measure: format!("{}, {}", self.row, self.column),
            unit: Unit::Gflops.name().to_string(),
            median: median(values),
            best: extreme(values, f64::max),
            spread: spread(values),
            rounds: values.len() as u64,
            share_of_peak: None,
            peak_rss: None,
            predicted_rss: None,
            step_allocates: None,
            version: contestant.version.clone(),
        }
    }
}
