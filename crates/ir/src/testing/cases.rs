//! Case files: programs, each followed by lines that say what to run it on.
//!
//! ```text
//! graph relu (%0: f32[4]) {
//!   %1: f32[] = constant {value="0"}
//!   %2: f32[4] = broadcast %1 {axes=[]}
//!   %3: f32[4] = max %0, %2
//!   return %3
//! }
//! run [-1 0 2 NaN] == [0 0 2 NaN]     ; these inputs give these outputs
//! random                              ; random inputs give what the reference evaluator gives
//! random 0.5 2                        ; the same, with inputs from 0.5 to 2
//! ```

use std::ops::RangeInclusive;

use crate::error::ParseError;
use crate::graph::Graph;
use crate::tensor::Tensor;
use crate::text::Parser;
use crate::types::Type;

/// A program and what to run it on.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The program.
    pub graph: Graph,
    /// Where each run stands in the file, and what it is.
    pub runs: Vec<(usize, Run)>,
}

/// One run of a case.
#[derive(Clone, Debug)]
pub enum Run {
    /// These inputs give these outputs.
    Exact {
        /// State first.
        inputs: Vec<Tensor>,
        /// New state first.
        outputs: Vec<Tensor>,
    },
    /// Random inputs, all from this range if there is one.
    Random(Option<RangeInclusive<f64>>),
}

/// Reads a case file.
pub fn cases(text: &str) -> Result<Vec<Case>, ParseError> {
    let mut parser = Parser::new(text)?;
    let mut cases = Vec::new();
    while !parser.at_end() {
        let (name, graph) = parser.graph()?;
        let mut runs = Vec::new();
        while let Some(run) = run(&mut parser, &graph)? {
            runs.push(run);
        }
        cases.push(Case { name, graph, runs });
    }
    Ok(cases)
}

fn run(parser: &mut Parser<'_>, graph: &Graph) -> Result<Option<(usize, Run)>, ParseError> {
    let line = parser.line();
    if parser.takes_word("run") {
        let inputs = literals(parser, &graph.input_types())?;
        parser.equals()?;
        let outputs = literals(parser, &graph.output_types())?;
        return Ok(Some((line, Run::Exact { inputs, outputs })));
    }
    if !parser.takes_word("random") {
        return Ok(None);
    }
    let Some(low) = parser.takes_number() else { return Ok(Some((line, Run::Random(None)))) };
    match parser.takes_number() {
        Some(high) if low <= high => Ok(Some((line, Run::Random(Some(low..=high))))),
        Some(_) | None => Err(parser.error("`random` takes no numbers or two, the lower one first")),
    }
}

fn literals(parser: &mut Parser<'_>, types: &[Type]) -> Result<Vec<Tensor>, ParseError> {
    types.iter().map(|ty| parser.literal(ty)).collect()
}
