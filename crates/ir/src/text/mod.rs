//! The written form: how people and tests talk about programs. `docs/ir-text.md` is its grammar.

pub mod attributes;
pub mod literal;
mod parse;
mod print;
mod tokens;

pub(crate) use parse::Parser;
pub use parse::{parse, parse_all};
