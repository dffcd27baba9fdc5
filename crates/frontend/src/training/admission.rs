//! Admission: inputs and targets as the model takes them.

use cornu_ir::Tensor;

use super::{IntoTensors, Tensors, Values};
use crate::error::{Error, Result};
use crate::layers::Spec;
use crate::model::Model;

impl Model {
    /// The inputs as the model takes them: `(n,)` becomes `(n, 1)` where that is meant; others that do not fit are an
    /// error. A model that does not know its shapes yet learns them from here.
    pub(crate) fn admit(&mut self, x: impl IntoTensors) -> Result<Vec<Values>> {
        let x = x.into_tensors().in_order("input of the model", &self.input_names())?;
        if self.built.is_none() {
            self.build(x.iter().map(unbatched).collect::<Result<_>>()?)?;
        }
        let specs = &self.built()?.inputs;
        if x.len() != specs.len() {
            let what =
                format!("the model `{}` takes {} inputs; {} were given", self.name, specs.len(), x.len());
            return Err(Error::Data { what });
        }
        let names = self.input_names();
        x.into_iter().zip(specs).zip(&names).map(|((x, spec), name)| fitted(x, spec, name)).collect()
    }
}

impl Model {
    /// Targets in the order of the outputs.
    pub(crate) fn targets(&self, y: impl IntoTensors) -> Result<Vec<Tensor>> {
        let names = self.output_names();
        let y = match y.into_tensors() {
            Tensors::InOrder(y) => y,
            // Outputs without a loss need no targets; `compile` has the last word on which these are.
            Tensors::ByName(y) => {
                let named = names.iter().filter(|name| y.iter().any(|(given, _)| given == *name));
                let named: Vec<String> = named.cloned().collect();
                if let Some((name, _)) = y.iter().find(|(name, _)| !names.contains(name)) {
                    let known = names.iter().map(|name| &**name);
                    return Err(Error::unknown("output of the model", name, known));
                }
                Tensors::ByName(y).in_order("output of the model", &named)?
            }
        };
        y.into_iter().map(|y| numeric("targets", y)).collect()
    }
}

/// Numbers; `what` they are is for the error.
pub(super) fn numeric(what: &str, values: Values) -> Result<Tensor> {
    match values {
        Values::Numbers(tensor) => Ok(tensor),
        Values::Strings(_) => {
            let given = values.described();
            let fix = "A `StringLookup` makes numbers of labels";
            Err(Error::Data { what: format!("{what} must be numbers; these are {given}. {fix}") })
        }
    }
}

/// What a batch of this type says of a model's input.
fn unbatched(x: &Values) -> Result<Spec> {
    let Some((_, sizes)) = x.shape().split_first() else {
        return Err(Error::Data {
            what: format!("inputs need an axis of samples; they are {}", x.described()),
        });
    };
    let shape: Vec<Option<usize>> = [None].into_iter().chain(sizes.iter().map(|&size| Some(size))).collect();
    Ok(match x {
        Values::Numbers(tensor) => Spec::new(tensor.dtype(), shape),
        Values::Strings(_) => Spec::text(shape),
    })
}

fn fitted(x: Values, spec: &Spec, name: &str) -> Result<Values> {
    let given = x.described();
    let is_text = matches!(x, Values::Strings(_));
    if is_text != spec.is_text() {
        let needed = if is_text { "numbers" } else { "strings" };
        let what = format!("the input `{name}` takes {needed}, {spec}; it got {given}");
        return Err(Error::Data { what });
    }
    if admits(spec, x.shape()) {
        return Ok(x);
    }
    // Keras adds or drops a trailing axis of size 1.
    let shape = x.shape().to_vec();
    let other = match shape.as_slice() {
        [rest @ .., 1] if spec.rank() + 1 == shape.len() => rest.to_vec(),
        _ if spec.rank() == shape.len() + 1 => [shape.as_slice(), &[1]].concat(),
        _ => shape,
    };
    match x.reshaped(other).filter(|x| admits(spec, x.shape())) {
        Some(x) => Ok(x),
        None => Err(Error::Data { what: format!("the input `{name}` needs {spec}; it got {given}") }),
    }
}

/// A fixed batch size does not bind the number of samples, only that of a step.
fn admits(spec: &Spec, shape: &[usize]) -> bool {
    let mut any_batch = spec.clone();
    any_batch.shape.iter_mut().take(1).for_each(|batch| *batch = None);
    any_batch.admits_shape(shape)
}
