//! Summary: a model's layers as a table, as Keras draws it.

use std::fmt::Write;

use super::Model;
use crate::layers::AnyLayer;

/// Inner widths of the three columns: together the 88 characters of Keras's table.
const WIDTHS: [usize; 3] = [36, 27, 15];

impl Model {
    /// The layers with the shapes of their outputs and their numbers of parameters. Keras: `summary`.
    pub fn summary(&self) -> String {
        let mut text = format!("Model: \"{}\"\n", self.name);
        text += &rule("┏", "━", "┳", "┓");
        text += &row("┃", ["Layer (type)", "Output Shape", "Param #"].map(String::from));
        text += &rule("┡", "━", "╇", "┩");
        let rows: Vec<String> = self.rows().into_iter().map(|cells| row("│", cells)).collect();
        text += &rows.join(&rule("├", "─", "┼", "┤"));
        text += &rule("└", "─", "┴", "┘");
        text + &self.totals()
    }

    fn rows(&self) -> Vec<[String; 3]> {
        let outputs = self.built.iter().flat_map(|built| &built.trace.layer_outputs);
        let shapes = outputs
            .map(|specs| specs.first().map_or("?".to_string(), ToString::to_string))
            .chain(std::iter::repeat("?".to_string()));
        let visible = |(layer, _): &(&AnyLayer, String)| layer.class_name() != "InputLayer";
        let rows = self.layers().iter().zip(shapes).filter(visible);
        rows.map(|(layer, shape)| {
            let name = format!("{} ({})", layer.name(), layer.class_name());
            [name, shape, self.params_of(layer)]
        })
        .collect()
    }

    fn params_of(&self, layer: &AnyLayer) -> String {
        let Some(built) = &self.built else { return "0 (unbuilt)".to_string() };
        let prefix = format!("{}/", layer.name());
        let own = built.weights[..built.saved()].iter().filter(|weight| weight.path.starts_with(&prefix));
        thousands(own.map(|weight| weight.ty.elements()).sum())
    }

    fn totals(&self) -> String {
        let weights = || self.built.iter().flat_map(|built| &built.weights[..built.saved()]);
        let count = |trainable| -> usize {
            weights().filter(|weight| weight.trainable == trainable).map(|weight| weight.ty.elements()).sum()
        };
        let optimizer: Option<usize> =
            self.optimizer_types().map(|types| types.iter().map(|ty| ty.elements()).sum());
        let (trainable, fixed) = (count(true), count(false));
        let mut text = String::new();
        let mut line = |name: &str, count: usize| {
            let _ = writeln!(text, " {name}: {} ({})", thousands(count), size(4 * count));
        };
        line("Total params", trainable + fixed + optimizer.unwrap_or(0));
        line("Trainable params", trainable);
        line("Non-trainable params", fixed);
        if let Some(count) = optimizer {
            line("Optimizer params", count);
        }
        text
    }
}

fn rule(left: &str, line: &str, cross: &str, right: &str) -> String {
    format!("{left}{}{right}\n", WIDTHS.map(|width| line.repeat(width + 2)).join(cross))
}

/// One row, or several where a cell is too long for one. Numbers stand at the right.
fn row(bar: &str, cells: [String; 3]) -> String {
    let lines: Vec<Vec<String>> =
        cells.iter().zip(WIDTHS).map(|(cell, width)| wrapped(cell, width)).collect();
    let height = lines.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |column: usize, line: usize| lines[column].get(line).map_or("", String::as_str);
    (0..height)
        .map(|line| {
            let [first, second, third] = WIDTHS;
            let (name, shape, params) = (cell(0, line), cell(1, line), cell(2, line));
            format!("{bar} {name:<first$} {bar} {shape:<second$} {bar} {params:>third$} {bar}\n")
        })
        .collect()
}

/// A text cut into lines of a width, at a space where there is one.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > width {
        let at = rest[..width].iter().rposition(|&c| c == ' ').map_or(width, |space| space + 1);
        let line: String = rest.drain(..at).collect();
        lines.push(line.trim_end().to_string());
    }
    lines.push(rest.into_iter().collect());
    lines
}

/// `1234567` as `1,234,567`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the largest unit that leaves 1 or more, as Keras writes them.
fn size(bytes: usize) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"];
    let power = (0..units.len()).rev().find(|&power| bytes >= 1 << (10 * power)).unwrap_or(0);
    format!("{:.2} {}", bytes as f64 / (1u64 << (10 * power)) as f64, units[power])
}
