//! Bad steps: where in a step the first number is that is not finite.

use std::fmt;

use cornu_ir::{Builder, Tensor, Type};

use super::batches::ReadyBatch;
use super::check_gradients::index;
use super::compile::Layout;
use super::rows::Rows;
use super::step::StepWriter;
use crate::error::Result;
use crate::model::{Model, Program};

/// The first number that is not finite in a step of training, in the order in which a step computes.
#[derive(Clone, Debug, PartialEq)]
pub struct BadStep {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// The step in it, counted from 0.
    pub step: usize,
    /// The layer's path in the model; nothing for what is outside of layers: the data, the loss.
    pub layer: Option<String>,
    /// Which of its tensors: "output", "the weight kernel", "the new value of kernel"; or "input 0", "loss".
    pub tensor: String,
    /// Where in the tensor, one coordinate for each axis.
    pub index: Vec<usize>,
    /// What stands there: NaN or an infinity.
    pub value: f64,
}

impl fmt::Display for BadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BadStep { epoch, step, layer, tensor, index, value } = self;
        write!(f, "step {step} of epoch {} gives {value}, first in ", epoch + 1)?;
        if let Some(layer) = layer {
            write!(f, "layer `{layer}`, ")?;
        }
        write!(f, "{tensor}{index:?}")
    }
}

/// A number that is not finite, and where.
struct Found {
    layer: Option<String>,
    tensor: String,
    index: Vec<usize>,
    value: f64,
}

impl Model {
    /// The first number that is not finite in a step on this batch from the state as it is. The step must be one that
    /// is not taken for such a number.
    pub(crate) fn find_bad(&self, batch: &ReadyBatch, epoch: usize, step: usize) -> Result<BadStep> {
        let found = match self.bad_data(batch) {
            Some(found) => found,
            None => match self.bad_weight()? {
                Some(found) => found,
                None => self.bad_result(batch)?,
            },
        };
        let Found { layer, tensor, index, value } = found;
        Ok(BadStep { epoch, step, layer, tensor, index, value })
    }

    fn bad_data(&self, batch: &ReadyBatch) -> Option<Found> {
        let inputs = batch.given.len() - batch.targets().len() - batch.weights;
        batch.given.iter().enumerate().find_map(|(number, rows)| {
            let name = match number {
                number if number < inputs => format!("input {number}"),
                number if number < inputs + batch.targets().len() => format!("target {}", number - inputs),
                _ => "sample_weight".to_string(),
            };
            first(None, &name, &rows.fetch())
        })
    }

    fn bad_weight(&self) -> Result<Option<Found>> {
        let named = self.weight_names().into_iter().zip(self.get_weights()?);
        let found = named.map(|(path, value)| of_weight("the weight", &path, &value));
        Ok(found.flatten().next())
    }

    /// Runs the step once more, with the output of each layer among its results.
    fn bad_result(&self, batch: &ReadyBatch) -> Result<Found> {
        let built = self.built()?;
        let writer = StepWriter { network: &*self.network, built, compiled: self.compiled.as_ref() };
        let builder = Builder::new();
        let types: Vec<Type> = batch.types();
        let mut graph = writer.train_in(&builder, &types, batch.weights)?;
        let notes = builder.notes();
        graph.outputs.extend(notes.iter().map(|(_, value)| *value));
        let state_count = graph.state;
        // Nothing is state here: the values of this moment are given, and their next ones are results.
        graph.state = 0;
        let state = self.state_values()?;
        let given: Vec<Rows> = state.into_iter().map(Rows::from).chain(batch.given.iter().cloned()).collect();
        let types: Vec<Type> = given.iter().map(Rows::ty).collect();
        let mut program = Program::new(&*self.backend, &format!("{}.bad", self.name), &graph, &types)?;
        program.run(&*self.backend, &mut [], &[], &given)?;
        let results = program.outputs(&*self.backend)?;
        let (next, rest) = results.split_at(state_count.min(results.len()));
        let (logs, layers) = rest.split_at(1.min(rest.len()));
        let layer =
            notes.iter().zip(layers).find_map(|((path, _), value)| first(Some(path), "output", value));
        let loss = || logs.iter().find_map(|logs| first(None, "loss", &scalar(logs)));
        // Gradients flow backwards: the last weight that is bad was the first to be.
        let weights: Vec<String> = self.weight_names();
        let new = || {
            let named = weights.iter().zip(next).rev();
            named.map(|(path, value)| of_weight("the new value of", path, value)).find_map(|found| found)
        };
        let slots = Layout::of(built, self.compiled.as_ref());
        let slot = || {
            let slots = next.iter().take(slots.random).skip(weights.len());
            slots.enumerate().find_map(|(number, value)| {
                first(None, &format!("variable {number} of the optimizer"), value)
            })
        };
        let nothing = || Found { layer: None, tensor: "loss".into(), index: Vec::new(), value: f64::NAN };
        Ok(layer.or_else(loss).or_else(new).or_else(slot).unwrap_or_else(nothing))
    }
}

/// The loss among the logs.
fn scalar(logs: &Tensor) -> Tensor {
    Tensor::scalar(logs.floats().first().copied().unwrap_or(0.0))
}

fn of_weight(what: &str, path: &str, value: &Tensor) -> Option<Found> {
    let (layer, name) = path.rsplit_once('/').map_or((None, path), |(layer, name)| (Some(layer), name));
    first(layer, &format!("{what} {name}"), value)
}

/// The first element that is not finite.
fn first(layer: Option<&str>, tensor: &str, value: &Tensor) -> Option<Found> {
    if !value.dtype().is_float() {
        return None;
    }
    let (place, bad) = value.floats().into_iter().enumerate().find(|(_, element)| !element.is_finite())?;
    let index = index(value.shape(), place);
    Some(Found { layer: layer.map(String::from), tensor: tensor.to_string(), index, value: bad })
}
