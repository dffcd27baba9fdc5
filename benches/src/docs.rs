//! `docs/performance.md`, written from results that were kept.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::about::About;
use crate::line::{Kept, Line};
use crate::table;
use crate::tables::Grid;
use crate::unit::Unit;

/// How the numbers came about; for the page.
const METHOD: &str = "\
Everybody does the same work: the same layers, sizes, optimizers and batches, on the same made-up data, on the CPU
of one machine, with a thread for each core. Cornu and its peers are processes of their own that warm up first and
then take turns, round by round, each time in another order; whose turn it is not stands still, since some threads
turn while they wait. Numbers are medians over the rounds; the spread is the distance between the best and the worst
round, as a share of the median. Keras runs through its own `fit` and `predict_on_batch`, PyTorch through the loop
that its users write, as it is by default (`eager`), with fused optimizers and channels last (`tuned`), and through
`torch.compile` (`compiled`); `tuned-mkl` is tuned too, with a library before it that lets MKL take the path for the
processor's own instruction set, which by itself it only takes on Intel's. Peers in Rust are built for this very
processor, with their fastest CPU backend and all threads. The column *to the fastest peer* says how many times as
fast as the fastest of the others somebody is. The *share of peak* is what Cornu's plan has to compute for the work,
over what the processor could have computed in that time; peers that compute more or less for the same result are
counted by the same measure. *Peak memory* is the most that the process ever held, data and program with it;
*predicted* is what `cost` says of a batch before anything runs, with the data, over the peak of a process that
trains a single weight. *A step allocates* so much anew, on average.
";

/// Writes the page from the results in a file.
pub(crate) fn write(from: &Path) -> Result<(), String> {
    let kept = Kept::read(from)?;
    let missing = || format!("{} does not say where it was measured; `--save` does", from.display());
    let text = page(kept.about.as_ref().ok_or_else(missing)?, &kept.lines)?;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    fs::write(&page, text).map_err(|error| format!("{}: {error}", page.display()))
}

fn page(about: &About, lines: &[Line]) -> Result<String, String> {
    let mut text = format!(
        "# Performance\n\n\
         <!-- Written by `cargo xtask bench --write-docs FILE`; do not edit. -->\n\n\
         Measured on {} on this processor: {} ({}, {} threads). {}\n\n{METHOD}",
        about.date,
        about.processor,
        about.instruction_set,
        about.threads,
        about.limits(),
    );
    let (tables, workloads): (Vec<Line>, Vec<Line>) =
        lines.iter().cloned().partition(|line| line.unit == Unit::Gflops.name());
    for lines in workloads.chunk_by(|a, b| (&a.workload, &a.measure) == (&b.workload, &b.measure)) {
        let Line { workload, measure, unit, rounds, .. } = &lines[0];
        let unit = Unit::named(unit).ok_or_else(|| format!("there is no unit `{unit}`"))?;
        let (name, better) = (unit.name(), unit.better());
        let _ =
            write!(text, "\n## {workload} {measure}\n\nIn {name}, {better} is better; {rounds} rounds.\n\n");
        let rows = table::rows(unit, lines);
        let head = [table::COLUMNS.map(String::from), COLUMN_ENDS.map(String::from)];
        text.extend(head.iter().chain(&rows).map(|row| format!("| {} |\n", row.join(" | "))));
    }
    for lines in tables.chunk_by(|a, b| a.workload == b.workload) {
        let _ = write!(text, "\n## {}\n\n{}", capital(&lines[0].workload), Grid::of(lines).markdown());
    }
    text.push_str("\n## Versions\n\n");
    text.extend(versions(lines).iter().map(|(name, version)| format!("- `{name}`: {version}\n")));
    Ok(text)
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The names stand on the left, the numbers on the right.
const COLUMN_ENDS: [&str; 9] = ["---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:"];

/// What each said of itself, once.
fn versions(lines: &[Line]) -> Vec<(&str, &str)> {
    let mut versions: Vec<(&str, &str)> = Vec::new();
    for line in lines {
        let Some(version) = &line.version else { continue };
        if !versions.contains(&(&line.backend, version)) {
            versions.push((&line.backend, version));
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::tests::example;

    #[test]
    fn a_page_says_what_was_measured_and_on_what() {
        let kept = example();
        let page = page(&kept.about.unwrap(), &kept.lines).unwrap();
        for part in [
            "Measured on 2026-01-01 on this processor: A Processor (avx512, 2 threads)",
            "520 GFLOP/s on 2 threads",
            "\n## W1 train\n\nIn samples/s, higher is better; 5 rounds.\n\n|  | median |",
            "\n| cpu | 90,000 | 90,000 | 25 % | 2.00 | 50 % | 96 MiB | 95 MiB | 2.4 KiB |\n",
            "\n## W6 train\n\nIn s, lower is better",
            "\n- `torch`: torch 1.0\n",
        ] {
            assert!(page.contains(part), "{part}\n\n{page}");
        }
        assert_eq!(page.matches("`torch`: ").count(), 1);
    }
}
