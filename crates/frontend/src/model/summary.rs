//! Summary: a model's layers as a table, as Keras draws it.

use std::fmt::Write;

use super::Model;
use crate::layers::{AnyLayer, Sublayer};

/// Where the columns end in a line of the table: those of Keras.
const POSITIONS: [f64; 3] = [0.45, 0.80, 1.0];
/// The same with a column that tells where inputs come from.
const CONNECTED_POSITIONS: [f64; 4] = [0.3, 0.56, 0.74, 1.0];

/// What a summary shows beside layers, shapes and numbers of parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    line_length: Option<usize>,
    expand_nested: bool,
    show_trainable: bool,
}

impl Summary {
    /// Nothing else.
    pub fn new() -> Summary {
        Summary::default()
    }

    /// In lines of this many characters. Keras's default is 88, or 108 where inputs are told.
    pub fn line_length(mut self, characters: usize) -> Summary {
        self.line_length = Some(characters);
        self
    }

    /// With the layers of models inside.
    pub fn expand_nested(mut self) -> Summary {
        self.expand_nested = true;
        self
    }

    /// With a column that says which layers are trained.
    pub fn show_trainable(mut self) -> Summary {
        self.show_trainable = true;
        self
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Align {
    Left,
    Right,
    Center,
}

struct Table {
    columns: Vec<(&'static str, usize, Align)>,
    rows: Vec<Vec<String>>,
}

impl Model {
    /// The layers with the shapes of their outputs and their numbers of parameters. Keras: `summary`.
    pub fn summary(&self) -> String {
        self.summary_with(Summary::new())
    }

    /// [`Model::summary`] with more columns or rows.
    pub fn summary_with(&self, how: Summary) -> String {
        let is_connected = !self.network.is_linear();
        let mut columns =
            vec![("Layer (type)", Align::Left), ("Output Shape", Align::Left), ("Param #", Align::Right)];
        let mut positions = if is_connected { CONNECTED_POSITIONS.to_vec() } else { POSITIONS.to_vec() };
        let mut length = if is_connected { 108 } else { 88 };
        if is_connected {
            columns.push(("Connected to", Align::Left));
        }
        if how.show_trainable {
            columns.push(("Trainable", Align::Center));
            positions.iter_mut().for_each(|position| *position *= 0.9);
            positions.push(1.0);
            length += 12;
        }
        let widths = widths(how.line_length.unwrap_or(length), &positions);
        let columns = columns.into_iter().zip(widths).map(|((name, align), width)| (name, width, align));
        let table = Table { columns: columns.collect(), rows: self.rows(how, is_connected) };
        format!("Model: \"{}\"\n{}{}", self.name, table.draw(), self.totals())
    }

    fn rows(&self, how: Summary, is_connected: bool) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let edges = self.network.edges();
        let is_sequential = self.network.class_name() == "Sequential";
        for (layer, edges) in self.layers().iter().zip(edges) {
            if is_sequential && layer.class_name() == "InputLayer" {
                continue;
            }
            let written = edges
                .iter()
                .map(|edge| format!("{}[{}][{}]", self.layers()[edge.layer].name(), edge.node, edge.output));
            let from: Vec<String> = written.collect();
            let from = if from.is_empty() { "-".to_string() } else { from.join(", ") };
            self.row(&mut rows, how, layer, (layer.name(), 0), is_connected.then_some(from));
        }
        rows
    }

    /// The row of one layer, and those of the layers inside it if they are asked for.
    fn row(
        &self,
        rows: &mut Vec<Vec<String>>,
        how: Summary,
        layer: &AnyLayer,
        (path, depth): (&str, usize),
        from: Option<String>,
    ) {
        let branch = if depth == 0 { String::new() } else { format!("{}└ ", "   ".repeat(depth)) };
        let shape = self.built.as_ref().and_then(|built| built.shapes.get(path));
        let mut cells = vec![
            format!("{branch}{} ({})", layer.name(), layer.class_name()),
            // Keras has no comma here after a batch alone, where Python has one.
            shape.map_or("?".to_string(), |shape| shape.to_string().replace(",)", ")")),
            self.params_of(path),
        ];
        let is_connected = from.is_some();
        cells.extend(from);
        if how.show_trainable {
            let state = match (self.has_weights(path), layer.is_trainable()) {
                (false, _) => "-",
                (true, true) => "Y",
                (true, false) => "N",
            };
            cells.push(state.to_string());
        }
        rows.push(cells);
        let is_model = matches!(layer.class_name(), "Sequential" | "Functional");
        if !how.expand_nested || !is_model {
            return;
        }
        for Sublayer { layer: inner, .. } in layer.layer().sublayers() {
            if layer.class_name() == "Sequential" && inner.class_name() == "InputLayer" {
                continue;
            }
            let path = format!("{path}/{}", inner.name());
            let from = is_connected.then(|| "-".to_string());
            self.row(rows, how, inner, (&path, depth + 1), from);
        }
    }

    /// True if the layer at this path has weights.
    pub(super) fn has_weights(&self, path: &str) -> bool {
        self.weights_of(path).next().is_some()
    }

    fn weights_of(&self, path: &str) -> impl Iterator<Item = usize> + '_ {
        let prefix = format!("{path}/");
        let saved = self.built.iter().flat_map(|built| &built.weights[..built.saved()]);
        saved.filter(move |weight| weight.path.starts_with(&prefix)).map(|weight| weight.ty.elements())
    }

    fn params_of(&self, path: &str) -> String {
        if self.built.is_none() {
            return "0 (unbuilt)".to_string();
        }
        thousands(self.weights_of(path).sum())
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

/// Inner widths of columns that end at these shares of a line. Borders and the space around cells are taken from
/// all columns alike, as the library does that draws Keras's tables.
fn widths(line: usize, positions: &[f64]) -> Vec<usize> {
    let mut widths = Vec::new();
    let mut taken = 0;
    for position in positions {
        let width = ((position * line as f64) as usize).saturating_sub(taken);
        widths.push(width);
        taken += width;
    }
    let mut excess = (taken + 3 * widths.len() + 1).saturating_sub(line);
    let columns = widths.len();
    for (index, width) in widths.iter_mut().enumerate() {
        let share = (excess as f64 / (columns - index) as f64).round_ties_even() as usize;
        *width = width.saturating_sub(share).max(1);
        excess -= share;
    }
    widths
}

impl Table {
    fn draw(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, ..)| name.to_string()).collect();
        let rows: Vec<String> = self.rows.iter().map(|cells| self.row("│", cells)).collect();
        let head = self.rule("┏", "━", "┳", "┓") + &self.row("┃", &names) + &self.rule("┡", "━", "╇", "┩");
        head + &rows.join(&self.rule("├", "─", "┼", "┤")) + &self.rule("└", "─", "┴", "┘")
    }

    fn rule(&self, left: &str, line: &str, cross: &str, right: &str) -> String {
        let parts: Vec<String> = self.columns.iter().map(|(_, width, _)| line.repeat(width + 2)).collect();
        format!("{left}{}{right}\n", parts.join(cross))
    }

    /// One row of the table, of several lines where a cell is too long for one.
    fn row(&self, bar: &str, cells: &[String]) -> String {
        let cells: Vec<Vec<String>> =
            cells.iter().zip(&self.columns).map(|(cell, (_, width, _))| wrapped(cell, *width)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        let line = |line: usize| {
            let parts = cells.iter().zip(&self.columns).map(|(cell, &(_, width, align))| {
                let text = cell.get(line).map_or("", String::as_str);
                match align {
                    Align::Left => format!(" {text:<width$} "),
                    Align::Right => format!(" {text:>width$} "),
                    Align::Center => format!(" {text:^width$} "),
                }
            });
            format!("{bar}{}{bar}\n", parts.collect::<Vec<_>>().join(bar))
        };
        (0..height).map(line).collect()
    }
}

/// A text cut into lines of a width at spaces; a word that is longer than a line loses its end.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent: String = text.chars().take_while(|&c| c == ' ').collect();
    let mut lines = vec![indent];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let is_first = lines[last].trim().is_empty();
        let space = usize::from(!is_first);
        if is_first || lines[last].chars().count() + space + word.chars().count() <= width {
            lines[last] += if is_first { "" } else { " " };
            lines[last] += word;
        } else {
            lines.push(word.to_string());
        }
    }
    let shortened = |line: String| match line.chars().count() > width {
        true => line.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        false => line,
    };
    lines.into_iter().map(shortened).collect()
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
