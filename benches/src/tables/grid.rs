//! Grid: the lines of a table as rows and columns, for the terminal and for the documentation.

use crate::line::Line;
use crate::statistics::median;

/// Cells of text, the head first.
pub(crate) struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A row for each shape, and for each way of computing it what everybody reached in GFLOP/s, with Cornu's share of
    /// the peak; the last row has the medians of these shares.
    pub(crate) fn of(lines: &[Line]) -> Grid {
        let mut names: Vec<&str> = lines.iter().map(|line| parts(line).0).collect();
        names.dedup();
        let mut columns: Vec<[&str; 2]> = Vec::new();
        for line in lines {
            let column = [parts(line).1, &line.backend];
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        // Everybody's column of one way stand together, Cornu's first.
        let mut ways: Vec<&str> = columns.iter().map(|[way, _]| *way).collect();
        ways.dedup();
        columns.sort_by_key(|[way, _]| ways.iter().position(|known| known == way));
        let title = lines.first().map_or("", |line| &line.workload);
        let mut grid = Grid { rows: vec![vec![format!("{title}, GFLOP/s")]] };
        for [way, backend] in &columns {
            grid.rows[0].push(format!("{way}: {backend}"));
            if *backend == OURS {
                grid.rows[0].push("of peak".to_string());
            }
        }
        for name in names {
            grid.rows.push(row(name, &columns, lines));
        }
        grid.rows.push(medians(&columns, lines));
        grid
    }

    /// In columns of spaces.
    pub(crate) fn text(&self) -> String {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let rest = row.iter().zip(&widths).skip(1).map(|(cell, &width)| format!("  {cell:>width$}"));
            format!("{:<1$}{2}\n", row[0], widths[0], rest.collect::<String>())
        };
        self.rows.iter().map(line).collect()
    }

    /// In Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
        let ends: Vec<String> = (0..self.rows[0].len())
            .map(|column| if column == 0 { "---" } else { "---:" }.to_string())
            .collect();
        let rest = self.rows[1..].iter().map(line).collect::<String>();
        format!("{}{}{rest}", line(&self.rows[0]), line(&ends))
    }
}

/// Cornu's name.
const OURS: &str = "cpu";

/// What a line is about: the row, and the way of computing it.
fn parts(line: &Line) -> (&str, &str) {
    line.measure.rsplit_once(", ").unwrap_or((&line.measure, ""))
}

fn row(name: &str, columns: &[[&str; 2]], lines: &[Line]) -> Vec<String> {
    let mut row = vec![name.to_string()];
    for [way, backend] in columns {
        let found = lines.iter().find(|line| parts(line) == (name, way) && line.backend == *backend);
        row.push(found.map_or_else(String::new, |line| format!("{:.0}", line.median)));
        if *backend == OURS {
            row.push(found.and_then(|line| line.share_of_peak).map_or_else(String::new, percent));
        }
    }
    row
}

fn medians(columns: &[[&str; 2]], lines: &[Line]) -> Vec<String> {
    let mut row = vec!["median".to_string()];
    for [way, backend] in columns {
        row.push(String::new());
        if *backend == OURS {
            let own = lines.iter().filter(|line| parts(line).1 == *way && line.backend == OURS);
            let shares: Vec<f64> = own.filter_map(|line| line.share_of_peak).collect();
            row.push(percent(median(&shares)));
        }
    }
    row
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::tests::example;

    #[test]
    fn rows_are_shapes_and_columns_who_computed_them_how() {
        let line = |measure: &str, backend: &str, median: f64| Line {
            workload: "products".to_string(),
            measure: measure.to_string(),
            backend: backend.to_string(),
            median,
            share_of_peak: Some(median / 200.0),
            ..example().lines[0].clone()
        };
        let lines = [
            line("2x2x2, 1 thread", "cpu", 100.0),
            line("2x2x2, 1 thread", "gemm", 90.0),
            line("2x2x2, 2 threads", "cpu", 150.0),
            line("4x4x4, 1 thread", "cpu", 50.0),
        ];
        let grid = Grid::of(&lines);
        assert_eq!(
            grid.markdown(),
            "| products, GFLOP/s | 1 thread: cpu | of peak | 1 thread: gemm | 2 threads: cpu | of peak |\n\
             | --- | ---: | ---: | ---: | ---: | ---: |\n\
             | 2x2x2 | 100 | 50 % | 90 | 150 | 75 % |\n\
             | 4x4x4 | 50 | 25 % |  |  |  |\n\
             | median |  | 38 % |  |  | 75 % |\n"
        );
        assert_eq!(grid.text().lines().count(), 4);
    }
}
