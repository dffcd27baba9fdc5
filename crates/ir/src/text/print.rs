//! From a program to its written form.

use std::fmt;

use crate::graph::{Graph, Node, Value};
use crate::op::Op;

/// A header longer than this has a line for each input.
const LINE_WIDTH: usize = 110;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<String> = (0..self.inputs.len()).map(|number| declaration(self, number)).collect();
        let header = inputs.join(", ");
        if header.len() <= LINE_WIDTH {
            writeln!(f, "graph ({header}) {{")?;
        } else {
            writeln!(f, "graph (\n    {}\n) {{", inputs.join(",\n    "))?;
        }
        for value in self.values().filter(|value| !self.inputs.contains(value)) {
            writeln!(f, "  {}", Line(value, self.node(value)))?;
        }
        let space = if self.outputs.is_empty() { "" } else { " " };
        write!(f, "  return{space}{}\n}}", listed(&self.outputs))
    }
}

/// An input as the header shows it: `state %0 "dense/kernel": f32[2,3]`.
fn declaration(graph: &Graph, number: usize) -> String {
    let value = graph.inputs[number];
    let node = graph.node(value);
    let state = if number < graph.state { "state " } else { "" };
    match &node.op {
        Op::Input(input) if !input.name.is_empty() => format!("{state}{value} {:?}: {}", input.name, node.ty),
        _ => format!("{state}{value}: {}", node.ty),
    }
}

/// A node as it is written: `%3: f32[2] = add %1, %2`.
struct Line<'g>(Value, &'g Node);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line(value, node) = self;
        let rules = node.op.rules();
        write!(f, "{value}: {} = {}", node.ty, rules.name())?;
        if !node.args.is_empty() {
            write!(f, " {}", listed(&node.args))?;
        }
        write!(f, "{}", rules.attributes())
    }
}

fn listed(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}
