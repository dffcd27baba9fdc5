//! Parts: what the graph of a step is put together of, be it that of `fit` or one of your own.

use std::collections::HashMap;

use cornu_ir::{Builder, DType, Expr, Tensor, Type, grad};

use crate::error::{Error, Result};
use crate::layers::{Context, Masked, WeightSpec};
use crate::losses;
use crate::metrics::{Metric, StateSpec};
use crate::model::{Built, Network};
use crate::optimizers::{Optimizer, SlotSpec, Step, Stepped, TrainedWeight};

/// A model in a program: the values of its variables, and what its layers have added to the loss.
pub(super) struct ModelInStep<'m, 'b> {
    builder: &'b Builder,
    network: &'m dyn Network,
    built: &'m Built,
    /// As they were before any call, or as an optimizer has left them: what gradients are taken of.
    begun: HashMap<String, Expr<'b>>,
    /// What calls have made of them since.
    values: HashMap<String, Expr<'b>>,
    losses: Vec<Expr<'b>>,
}

/// Random numbers of a step: each call goes on where the one before it has stopped.
pub(super) struct Random<'b> {
    /// `[seed, seed, step, 0]`, of `u32`.
    pub(super) state: Expr<'b>,
    draws: u32,
}

impl<'b> Random<'b> {
    /// The type of the state.
    pub(super) fn ty() -> Type {
        Type::new(DType::U32, [4])
    }

    pub(super) fn new(state: Expr<'b>) -> Random<'b> {
        Random { state, draws: 0 }
    }

    /// The state one step on.
    pub(super) fn next(&self) -> Expr<'b> {
        self.state + self.state.constant(Tensor::vector(vec![0u32, 0, 1, 0]))
    }

    /// Writes something that draws outside of any model.
    pub(super) fn draw<T>(
        &mut self,
        builder: &'b Builder,
        write: impl FnOnce(&mut Context<'_, 'b>) -> Result<T>,
    ) -> Result<T> {
        let nothing = HashMap::new();
        let mut context = Context::new(builder, &nothing, Some(self.state), true).after_draws(self.draws);
        let written = write(&mut context);
        self.draws = context.draws();
        written
    }
}

impl<'m, 'b> ModelInStep<'m, 'b> {
    /// A model whose variables are inputs of the program that are still to come.
    pub(super) fn new(builder: &'b Builder, network: &'m dyn Network, built: &'m Built) -> Self {
        let (begun, values) = (HashMap::new(), HashMap::new());
        ModelInStep { builder, network, built, begun, values, losses: Vec::new() }
    }

    /// Makes the weights that are saved the next inputs.
    pub(super) fn add_saved(&mut self) {
        self.add(&self.built.weights[..self.built.saved()]);
    }

    /// Makes what layers remember from batch to batch the next inputs.
    pub(super) fn add_remembered(&mut self) {
        self.add(&self.built.weights[self.built.saved()..]);
    }

    fn add(&mut self, specs: &'m [WeightSpec]) {
        for spec in specs {
            let input = self.builder.input(&spec.path, spec.ty.clone());
            self.begun.insert(spec.path.clone(), input);
            self.values.insert(spec.path.clone(), input);
        }
    }

    /// Writes a call; with random numbers in training.
    pub(super) fn call(
        &mut self,
        x: &[Expr<'b>],
        training: bool,
        random: Option<&mut Random<'b>>,
    ) -> Result<Vec<Masked<'b>>> {
        let feeds = &self.built.trace.feeds;
        if x.len() != feeds.len() {
            let what = format!("the model takes {} inputs; it is called with {}", feeds.len(), x.len());
            return Err(Error::Data { what });
        }
        let typed: Vec<Expr<'b>> = x.iter().zip(feeds).map(|(x, spec)| x.cast(spec.dtype)).collect();
        let (state, draws) = random.as_ref().map_or((None, 0), |random| (Some(random.state), random.draws));
        let mut context = Context::new(self.builder, &self.values, state, training).after_draws(draws);
        let outputs = self.network.call(&mut context, &typed)?;
        let mask = |index: usize| context.output_mask(index).flatten();
        let outputs =
            outputs.into_iter().enumerate().map(|(i, value)| Masked { value, mask: mask(i) }).collect();
        if let Some(random) = random {
            random.draws = context.draws();
        }
        self.losses.extend(context.added_losses());
        let updates = context.updates().to_vec();
        self.values.extend(updates);
        Ok(outputs)
    }

    /// What layers have added to the loss, then what the sizes of fitted weights cost; `None` if nothing.
    pub(super) fn added_loss(&self) -> Option<Expr<'b>> {
        let fitted = self.built.weights.iter().filter(|weight| weight.trainable);
        let penalty =
            |weight: &WeightSpec| Some(weight.regularizer.as_ref()?.penalty(self.begun[&weight.path]));
        let penalties: Vec<Expr<'b>> = fitted.filter_map(penalty).collect();
        losses::sum(self.losses.iter().chain(&penalties).copied())
    }

    /// The weights that training fits.
    pub(super) fn fitted(&self) -> impl Iterator<Item = &'m WeightSpec> + use<'m> {
        self.built.weights.iter().filter(|weight| weight.trainable)
    }

    /// The value of a variable that gradients are taken of.
    pub(super) fn begun(&self, path: &str) -> Expr<'b> {
        self.begun[path]
    }

    /// Gives a weight its next value, which later calls see.
    pub(super) fn set(&mut self, path: &str, value: Expr<'b>) {
        self.begun.insert(path.to_string(), value);
        self.values.insert(path.to_string(), value);
    }

    /// The next values of the weights that are saved.
    pub(super) fn next_saved(&self) -> impl Iterator<Item = Expr<'b>> {
        self.built.weights[..self.built.saved()].iter().map(|spec| self.values[&spec.path])
    }

    /// The next values of what layers remember.
    pub(super) fn next_remembered(&self) -> impl Iterator<Item = Expr<'b>> {
        self.built.weights[self.built.saved()..].iter().map(|spec| self.values[&spec.path])
    }
}

/// An optimizer in a program: its variables as they come in.
pub(super) struct OptimizerInStep<'m, 'b> {
    optimizer: &'m dyn Optimizer,
    trained: &'m [TrainedWeight],
    iterations: Expr<'b>,
    learning_rate: Expr<'b>,
    slots: Vec<Expr<'b>>,
}

impl<'m, 'b> OptimizerInStep<'m, 'b> {
    /// An optimizer whose variables, in the order of [`optimizer_variables`], are these.
    pub(super) fn new(
        optimizer: &'m dyn Optimizer,
        trained: &'m [TrainedWeight],
        variables: &[Expr<'b>],
    ) -> OptimizerInStep<'m, 'b> {
        let (iterations, learning_rate) = (variables[0], variables[1]);
        OptimizerInStep { optimizer, trained, iterations, learning_rate, slots: variables[2..].to_vec() }
    }

    /// The weights, of these values, after a step that makes the loss smaller, and the optimizer's next variables.
    pub(super) fn minimize(
        &self,
        loss: Expr<'b>,
        values: &[Expr<'b>],
    ) -> Result<(Vec<Expr<'b>>, Vec<Expr<'b>>)> {
        let step =
            Step { iterations: self.iterations, learning_rate: self.learning_rate, weights: self.trained };
        let gradients = grad::gradients(self.optimizer.scale_loss(loss, &self.slots), values)?;
        let apply = || self.optimizer.apply(&step, values, &gradients, &self.slots);
        let Stepped { iterations, weights, slots } = loss.builder().scope("optimizer", apply)?;
        Ok((weights, [iterations, self.learning_rate].into_iter().chain(slots).collect()))
    }
}

/// Names and types of an optimizer's variables: the number of steps, the learning rate, the slots.
pub(super) fn optimizer_variables(slots: &[SlotSpec]) -> impl Iterator<Item = (&str, Type)> {
    let first = [("iterations", DType::I32), ("learning_rate", DType::F32)];
    let slots = slots.iter().map(|slot| (&*slot.name, slot.ty.clone()));
    first.into_iter().map(|(name, dtype)| (name, Type::scalar(dtype))).chain(slots)
}

/// The variables of a running mean: the sum over samples, and their number.
pub(super) fn running_mean() -> [StateSpec; 2] {
    [StateSpec::scalar("total"), StateSpec::scalar("count")]
}

/// The variables of a running mean after so many samples more, of this mean, and the mean of all.
///
/// Batches count by their size, so that the last, shorter one does not weigh as much as the others.
pub(super) fn update_mean<'b>(state: &[Expr<'b>], value: Expr<'b>, rows: usize) -> ([Expr<'b>; 2], Expr<'b>) {
    let rows = rows as f64;
    let (total, count) = (state[0] + value.cast(state[0].dtype()) * rows, state[1] + rows);
    ([total, count], total / count)
}

/// The variables of a metric after a batch, and what they say, as a vector of `f32`.
pub(super) fn update_metric<'b>(
    (name, metric): (&str, &dyn Metric),
    state: &[Expr<'b>],
    y_true: Expr<'b>,
    y_pred: Masked<'b>,
    weights: Option<Expr<'b>>,
) -> Result<(Vec<Expr<'b>>, Expr<'b>)> {
    let mask = y_pred.mask.filter(|_| metric.takes_mask());
    let weights = losses::masked(name, weights, mask, DType::F32, false)?;
    let update = || metric.update(state, y_true, y_pred.value, weights);
    let state = y_true.builder().scope(name, update).map_err(|error| error.within(name))?;
    let result = metric.result(&state)?;
    let log = result.cast(DType::F32).reshape([result.ty().elements()]);
    Ok((state, log))
}

/// What a batch brings, as the next inputs.
pub(super) fn inputs<'b>(builder: &'b Builder, name: &str, types: &[Type]) -> Vec<Expr<'b>> {
    types.iter().map(|ty| builder.input(name, ty.clone())).collect()
}
