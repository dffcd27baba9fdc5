//! The variables of a step of one's own: those of its optimizers and metrics, in the order in which it asks for them.

use std::ops::Range;

use cornu_ir::{Builder, Expr, Type};

use crate::error::{Error, Result};

/// A variable of the step itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepVariable {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) initial: Initial,
    /// True if it is set back by [`super::TrainStep::reset_metrics`].
    pub(super) is_metric: bool,
}

/// How a variable begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Initial {
    /// This number in all elements.
    Fill(f64),
    /// A copy of the weight of this path in the model of this number.
    Weight(usize, String),
}

/// All variables of a step, as it is being written.
///
/// Variables are the first inputs of a program, and which there are is known only when the step has been written. So
/// it is written twice before it runs for the first time: the first time, inputs are added as they are asked for.
pub(super) struct StepVariables<'s, 'b> {
    builder: &'b Builder,
    known: Option<&'s [StepVariable]>,
    /// Their values so far.
    values: Vec<Expr<'b>>,
    pub(super) asked: Vec<StepVariable>,
}

impl<'s, 'b> StepVariables<'s, 'b> {
    /// Makes those that are known the next inputs.
    pub(super) fn new(builder: &'b Builder, known: Option<&'s [StepVariable]>) -> StepVariables<'s, 'b> {
        let input = |variable: &StepVariable| builder.input(&variable.name, variable.ty.clone());
        let values = known.into_iter().flatten().map(input).collect();
        StepVariables { builder, known, values, asked: Vec::new() }
    }

    /// The places of the next variables, which the step asks for.
    pub(super) fn ask(&mut self, variables: Vec<StepVariable>) -> Result<Range<usize>> {
        let first = self.asked.len();
        for variable in variables {
            match self.known {
                None => self.values.push(self.builder.input(&variable.name, variable.ty.clone())),
                Some(known) if known.get(self.asked.len()) == Some(&variable) => {}
                Some(_) => return Err(changed(&format!("it asks for `{}`", variable.name))),
            }
            self.asked.push(variable);
        }
        Ok(first..self.asked.len())
    }

    /// The values at these places.
    pub(super) fn get(&self, places: Range<usize>) -> Vec<Expr<'b>> {
        self.values[places].to_vec()
    }

    /// Says what the variables at these places become.
    pub(super) fn set(&mut self, places: Range<usize>, values: impl IntoIterator<Item = Expr<'b>>) {
        places.zip(values).for_each(|(place, value)| self.values[place] = value);
    }

    /// What all variables become.
    pub(super) fn next(self) -> Result<Vec<Expr<'b>>> {
        match self.known {
            Some(known) if known.len() != self.asked.len() => Err(changed("it asks for fewer variables")),
            Some(_) | None => Ok(self.values),
        }
    }
}

fn changed(how: &str) -> Error {
    Error::NotReady {
        what: format!("the step is another one than at first: {how}"),
        fix: "Write the same optimizers and metrics, in the same order, for every batch".to_string(),
    }
}
