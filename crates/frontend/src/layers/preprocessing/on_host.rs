//! What layers on strings have in common as layers of a model, where they run on the host: see [`HostLayer`].
//!
//! [`HostLayer`]: super::super::HostLayer

use cornu_ir::DType;

use super::super::{Context, Spec};
use super::output_mode::OutputMode;
use super::vocabulary::{Token, Vocabulary};
use crate::error::{Error, Result};
use crate::training::{Strings, Values};

/// A mistake in how a layer is called; the caller knows where.
pub(super) fn refused(reason: String) -> Error {
    Error::Layer { path: String::new(), reason }
}

/// The spec of the one input, if it is of strings.
pub(super) fn only_text<'s>(class: &str, inputs: &'s [Spec]) -> Result<&'s Spec> {
    match inputs {
        [input] if input.is_text() => Ok(input),
        [input] => Err(refused(format!(
            "{class} takes strings, an Input with `strings()`; it got {input} of {}",
            input.dtype_name()
        ))),
        _ => Err(refused(format!("{class} takes one input; it got {}", inputs.len()))),
    }
}

/// The one input of a batch, which its spec says is of strings.
pub(super) fn only_strings<'v>(class: &str, inputs: &[&'v Values]) -> Result<&'v Strings> {
    match inputs {
        [Values::Strings(strings)] => Ok(strings),
        [other] => Err(refused(format!("{class} takes strings; it got {}", other.described()))),
        _ => Err(refused(format!("{class} takes one input; it got {}", inputs.len()))),
    }
}

/// What a mode makes of categories of this spec.
pub(super) fn encoded(class: &str, mode: OutputMode, input: &Spec, depth: usize) -> Result<Spec> {
    let mut shape = input.shape.clone();
    match mode {
        OutputMode::Int => return Ok(Spec::new(DType::I64, shape)),
        OutputMode::OneHot if shape.len() > 1 && shape.last() == Some(&Some(1)) => drop(shape.pop()),
        OutputMode::OneHot => {}
        OutputMode::MultiHot | OutputMode::Count | OutputMode::TfIdf if shape.len() > 1 => drop(shape.pop()),
        OutputMode::MultiHot | OutputMode::Count | OutputMode::TfIdf => {
            return Err(refused(format!(
                "{class} with output_mode {} takes samples of several categories each, (batch, categories); it \
                 got {input}",
                mode.name()
            )));
        }
    }
    shape.push(Some(depth));
    Ok(Spec::new(DType::F32, shape))
}

/// Fails for a vocabulary that cannot look anything up in a model.
pub(super) fn check_ready<T: Token>(lookup: &Vocabulary<T>) -> Result<()> {
    lookup.check()?;
    let class = lookup.class;
    if lookup.invert {
        return Err(refused(format!(
            "{class} with `invert` gives strings, and models give numbers. Call its `tokens` on what the model \
             predicts"
        )));
    }
    if lookup.tokens().is_empty() {
        return Err(Error::NotReady {
            what: format!("{class} has no vocabulary yet"),
            fix: "Call `adapt` with data first, or give the vocabulary".to_string(),
        });
    }
    Ok(())
}

/// A layer on strings was called where there is a graph already.
pub(super) fn not_in_graph(context: &Context<'_, '_>, class: &str, method: &str) -> Error {
    let reason = format!(
        "{class} runs on the host, before the graph, and cannot be part of another layer. Apply it to an Input of \
         the model, or call its `{method}` on the data"
    );
    Error::Layer { path: context.path(), reason }
}
