//! Per output: what `compile` takes for each of a model's outputs.

use crate::error::{Error, Result};

/// One thing for every output, or one for each, in order or by name.
#[derive(Clone, Debug)]
pub enum PerOutput<T> {
    /// The same for every output.
    Every(T),
    /// One for each output, in order; `None` for nothing.
    InOrder(Vec<Option<T>>),
    /// By the names of outputs; nothing for those that are not named.
    ByName(Vec<(String, Option<T>)>),
}

impl<T: Clone> PerOutput<T> {
    /// What is meant for each of these outputs. `what` is the argument's name, for errors.
    pub(crate) fn for_outputs(&self, what: &str, outputs: &[String]) -> Result<Vec<Option<T>>> {
        match self {
            PerOutput::Every(item) => Ok(vec![Some(item.clone()); outputs.len()]),
            PerOutput::InOrder(items) if items.len() == outputs.len() => Ok(items.clone()),
            PerOutput::InOrder(items) => {
                let needed = format!("one for each of the model's {} outputs", outputs.len());
                Err(Error::config("compile", what, format!("a list of {}", items.len()), needed))
            }
            PerOutput::ByName(items) => {
                self.check_names(outputs)?;
                let named = |output: &String| items.iter().find(|(name, _)| name == output);
                Ok(outputs.iter().map(|output| named(output).and_then(|(_, item)| item.clone())).collect())
            }
        }
    }

    /// Fails if something is meant for an output that is not among these.
    pub(crate) fn check_names(&self, outputs: &[String]) -> Result<()> {
        let PerOutput::ByName(items) = self else { return Ok(()) };
        match items.iter().find(|(name, _)| !outputs.contains(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let known = outputs.iter().map(|name| &**name);
                Err(Error::unknown("output of the model", name, known))
            }
        }
    }

    /// Everything that is meant for some output.
    pub(crate) fn items(&self) -> Vec<&T> {
        match self {
            PerOutput::Every(item) => vec![item],
            PerOutput::InOrder(items) => items.iter().flatten().collect(),
            PerOutput::ByName(items) => items.iter().filter_map(|(_, item)| item.as_ref()).collect(),
        }
    }
}
