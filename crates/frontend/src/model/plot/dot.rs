//! The picture in Graphviz's language.

use std::fmt::Write;

use super::Direction;
use super::picture::{Card, Picture};

pub(super) fn draw(picture: &Picture) -> String {
    let rankdir = match picture.direction {
        Direction::Down => "TB",
        Direction::Right => "LR",
    };
    let mut text = format!("digraph {} {{\n    rankdir={rankdir};\n", quoted(&picture.name));
    text += "    node [shape=box, style=rounded, fontname=\"Helvetica\"];\n";
    // Writing to a string cannot fail.
    for (number, card) in picture.cards.iter().enumerate() {
        let _ = writeln!(text, "    n{number} [label={}];", quoted(&label(card)));
    }
    for (from, to) in &picture.arrows {
        let _ = writeln!(text, "    n{from} -> n{to};");
    }
    text + "}\n"
}

/// The card's lines.
fn label(card: &Card) -> String {
    let head = card.name.as_ref().map_or(card.class.clone(), |name| format!("{name} ({})", card.class));
    let facts = card.facts.iter().map(|(word, value)| format!("{word}: {value}"));
    [head].into_iter().chain(facts).collect::<Vec<_>>().join("\n")
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
