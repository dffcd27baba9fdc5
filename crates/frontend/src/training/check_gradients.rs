//! The check of gradients: what the graph derives, against differences of the loss itself.

use cornu_ir::testing::{retyped, tensor_in};
use cornu_ir::{DType, Tensor, Type};

use super::compile::Layout;
use super::rows::Rows;
use super::step::StepWriter;
use super::{Dataset, IntoTensors};
use crate::error::{Error, Result};
use crate::model::{Model, Program};
use crate::random;

/// How many elements of each weight are looked at; of small weights, all.
const ELEMENTS: usize = 16;
/// How far an element is moved to each side, relative to its size; the second where the first finds a difference, which
/// may be but a kink between, such as that of relu.
const DISTANCES: [f64; 2] = [1e-5, 1e-7];
/// How far the two may be apart, relative to the larger one.
const TOLERANCE: f64 = 1e-4;

impl Model {
    /// Compares the derivatives of the loss on these samples by the weights that are trained with what the loss does
    /// when a weight is moved a little. Gives how many numbers were compared: up to 16 of each weight.
    ///
    /// All is computed in double precision, whatever the layers compute in, and the model stays as it is. For layers
    /// and losses of one's own: a wrong derivative is an error that names the weight and the index. A few samples do.
    pub fn check_gradients(&mut self, x: impl IntoTensors, y: impl IntoTensors) -> Result<usize> {
        self.compiled()?;
        let (x, y) = (self.admit(x)?, self.targets(y)?);
        let data = Dataset::not_empty("check_gradients", x, y, Vec::new())?;
        let batch = data.whole(&self.built()?.trace.host)?;
        self.decide_goals(&batch)?;
        let built = self.built()?;
        let writer = StepWriter { network: &*self.network, built, compiled: self.compiled.as_ref() };
        let graph = retyped(DType::F64, &writer.gradients(&batch.types(), batch.weights)?);
        let layout = Layout::of(built, self.compiled.as_ref());
        let state = self.state_values()?;
        let (saved, remembered) = (&state[..built.saved()], &state[layout.remembered..layout.metrics]);
        let variables = saved
            .iter()
            .chain([&state[layout.random]])
            .chain(remembered)
            .map(|value| tensor_in(DType::F64, value));
        let data = batch.given.iter().map(|rows| tensor_in(DType::F64, &rows.fetch()));
        let given: Vec<Tensor> = variables.chain(data).collect();
        let types: Vec<Type> = given.iter().map(Tensor::ty).collect();
        let name = format!("{}.gradients", self.name);
        let program = Program::new(&*self.backend, &name, &graph, &types)?;
        let trained = (0..built.saved()).filter(|&number| built.weights[number].trainable).collect();
        Check { model: self, program, given, trained }.all()
    }
}

/// A check in progress.
struct Check<'m> {
    model: &'m Model,
    program: Program,
    /// Values of all inputs; the saved weights come first.
    given: Vec<Tensor>,
    /// Which of them are trained.
    trained: Vec<usize>,
}

impl Check<'_> {
    fn all(mut self) -> Result<usize> {
        let derived = self.run()?;
        let loss = derived[0].floats()[0];
        let mut checked = 0;
        for (order, weight) in self.trained.clone().into_iter().enumerate() {
            let gradient = derived[1 + order].floats();
            for element in elements(gradient.len(), weight) {
                self.check(weight, element, gradient[element], loss)?;
                checked += 1;
            }
        }
        Ok(checked)
    }

    /// The loss and its derivatives.
    fn run(&mut self) -> Result<Vec<Tensor>> {
        let given: Vec<Rows> = self.given.iter().cloned().map(Rows::from).collect();
        self.program.run(&*self.model.backend, &mut [], &[], &given)?;
        self.program.outputs(&*self.model.backend)
    }

    fn check(&mut self, weight: usize, element: usize, said: f64, loss: f64) -> Result<()> {
        let mut seen = f64::NAN;
        for distance in DISTANCES {
            seen = self.difference(weight, element, distance)?;
            // What rounding alone makes of a loss of this size, over the distance.
            let noise = 1e-14 * (1.0 + loss.abs()) / distance;
            if (seen - said).abs() <= TOLERANCE * seen.abs().max(said.abs()) + noise {
                return Ok(());
            }
        }
        let spec = &self.model.built()?.weights[weight];
        let index = index(spec.ty.shape.as_ref(), element);
        let (layer, name) = spec.path.rsplit_once('/').unwrap_or((&spec.path, &spec.path));
        let reason = format!(
            "the derivative of the loss by {name}{index:?} is {said:e} in the graph, but {seen:e} by the loss itself"
        );
        Err(Error::Layer { path: layer.to_string(), reason })
    }

    /// How fast the loss changes when an element of a weight is moved.
    fn difference(&mut self, weight: usize, element: usize, distance: f64) -> Result<f64> {
        let before = self.given[weight].clone();
        let distance = distance * (1.0 + before.floats()[element].abs());
        let mut losses = [0.0; 2];
        for (loss, moved) in losses.iter_mut().zip([distance, -distance]) {
            let mut values = before.floats();
            values[element] += moved;
            self.given[weight] = Tensor::from_floats(&before.ty(), values);
            *loss = self.run()?[0].floats()[0];
        }
        self.given[weight] = before;
        Ok((losses[0] - losses[1]) / (2.0 * distance))
    }
}

/// The elements to look at, of so many.
fn elements(count: usize, weight: usize) -> Vec<usize> {
    if count <= ELEMENTS {
        return (0..count).collect();
    }
    let mut all: Vec<usize> = (0..ELEMENTS as u64)
        .map(|draw| (random::derive(weight as u64, draw) % count as u64) as usize)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The coordinates of an element.
pub(super) fn index(shape: &[usize], element: usize) -> Vec<usize> {
    let mut rest = element;
    let mut index: Vec<usize> = Vec::new();
    for &size in shape.iter().rev() {
        index.push(rest % size.max(1));
        rest /= size.max(1);
    }
    index.reverse();
    index
}
