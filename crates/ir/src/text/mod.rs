//! The written form: how people and tests talk about programs.

pub mod attributes;
pub mod literal;
mod parse;
mod print;

pub use parse::{parse, parse_with};
