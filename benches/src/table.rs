//! The results of a workload as rows of text, for the terminal and for the documentation.

use crate::line::Line;
use crate::unit::Unit;

/// What the columns are called.
pub(crate) const COLUMNS: [&str; 9] = [
    "",
    "median",
    "best",
    "spread",
    "to the fastest peer",
    "share of peak",
    "peak memory",
    "predicted",
    "a step allocates",
];

/// A row for each result; the first is Cornu's, the others are peers'.
pub(crate) fn rows(unit: Unit, lines: &[Line]) -> Vec<[String; 9]> {
    let peers = lines.iter().skip(1).map(|line| line.median);
    let fastest = peers.reduce(|a, b| unit.faster(a, b));
    let unknown = String::new;
    let row = |line: &Line| {
        [
            line.backend.clone(),
            short(line.median),
            short(line.best),
            percent(line.spread),
            fastest.map_or_else(unknown, |fastest| format!("{:.2}", unit.times(line.median, fastest))),
            line.share_of_peak.map_or_else(unknown, percent),
            line.peak_rss.map_or_else(unknown, mebibytes),
            line.predicted_rss.map_or_else(unknown, mebibytes),
            line.step_allocates.map_or_else(unknown, |bytes| format!("{:.1} KiB", bytes as f64 / 1024.0)),
        ]
    };
    lines.iter().map(row).collect()
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
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
    use super::*;
    use crate::line::tests::example;

    #[test]
    fn four_digits_are_enough() {
        assert_eq!([0.01234, 1.5, 250.0, 1234567.8].map(short), ["0.01234", "1.500", "250.0", "1,234,568"]);
    }

    #[test]
    fn everybody_is_compared_with_the_fastest_peer() {
        let lines = example().lines;
        let rows = rows(Unit::Samples, &lines[..2]);
        assert_eq!(rows[0][..6], ["cpu", "90,000", "90,000", "25 %", "2.00", "50 %"]);
        assert_eq!(rows[0][6..], ["96 MiB", "95 MiB", "2.4 KiB"]);
        assert_eq!(rows[1][4], "1.00");
        assert_eq!(super::rows(Unit::Seconds, &lines[2..])[0][4..], ["25.00", "", "", "", ""]);
        assert_eq!(super::rows(Unit::Samples, &lines[..1])[0][4], "");
    }
}
