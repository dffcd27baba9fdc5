//! Steps: the graphs of one training step, one test batch, one prediction. Each is one program.

use std::collections::HashMap;

use cornu_ir::{Builder, DType, Expr, Graph, Tensor, Type, grad};

use super::compile::Compiled;
use super::goals::{Goals, TrackedMetric};
use crate::error::{Error, Result};
use crate::layers::{Context, Masked, WeightSpec};
use crate::losses;
use crate::metrics::StateSpec;
use crate::model::{Built, Network};
use crate::optimizers::Step;

/// Everything a step's graph is made of.
pub(crate) struct StepWriter<'m> {
    pub(crate) network: &'m dyn Network,
    pub(crate) built: &'m Built,
    pub(crate) compiled: Option<&'m Compiled>,
}

/// What a batch brings into the graph.
struct Given<'b> {
    x: Vec<Expr<'b>>,
    y: Vec<Expr<'b>>,
    /// None, one for all outputs, or one for each target.
    weights: Vec<Expr<'b>>,
}

impl<'b> Given<'b> {
    /// The weights of the samples for this target.
    fn weights_for(&self, target: usize) -> Option<Expr<'b>> {
        if self.weights.len() == 1 { self.weights.first() } else { self.weights.get(target) }.copied()
    }
}

/// The outcome of the forward pass and the loss.
struct Forward<'b> {
    predictions: Vec<Masked<'b>>,
    loss: Expr<'b>,
    /// The losses of outputs that are reported by themselves.
    output_losses: Vec<Expr<'b>>,
    updates: Vec<(String, Expr<'b>)>,
}

impl StepWriter<'_> {
    /// State: what layers remember. Inputs: weights, then x. Outputs: predictions.
    pub(crate) fn predict(&self, given: &[Type]) -> Result<Graph> {
        let builder = Builder::new();
        let mut weights = self.variables(&builder, self.remembered());
        weights.extend(self.variables(&builder, self.saved()));
        let x = inputs(&builder, "x", given);
        let mut context = Context::new(&builder, &weights, None, false);
        let predictions = self.network.call(&mut context, &self.typed(&x))?;
        let mut outputs = next_values(self.remembered(), &weights, context.updates());
        let state = outputs.len();
        outputs.extend(predictions);
        Ok(builder.finish_with_state(state, &outputs)?)
    }

    /// State: what layers remember, running losses and metrics. Inputs: weights, x, y, sample weights. Output: the
    /// logs.
    pub(crate) fn test(&self, given: &[Type], weighted: usize) -> Result<Graph> {
        let builder = Builder::new();
        let mut weights = self.variables(&builder, self.remembered());
        let metrics = self.metric_states(&builder)?;
        weights.extend(self.variables(&builder, self.saved()));
        let given = self.given(&builder, given, weighted)?;
        let forward = self.forward(&builder, &weights, &given, None)?;
        let (new_metrics, logs) = self.update_metrics(&metrics, &forward, &given)?;
        let mut outputs = next_values(self.remembered(), &weights, &forward.updates);
        outputs.extend(new_metrics);
        let state = outputs.len();
        outputs.push(logs);
        Ok(builder.finish_with_state(state, &outputs)?)
    }

    /// State: as [`Compiled`] lists it. Inputs: x, y, sample weights. Output: the logs, from before the update.
    pub(crate) fn train(&self, given: &[Type], weighted: usize) -> Result<Graph> {
        let builder = Builder::new();
        let compiled = self.compiled()?;
        let mut weights = self.variables(&builder, self.saved());
        let iterations = builder.input("iterations", Type::scalar(DType::I32));
        let learning_rate = builder.input("learning_rate", Type::scalar(DType::F32));
        let slots: Vec<Expr<'_>> =
            compiled.slots.iter().map(|slot| builder.input(&slot.name, slot.ty.clone())).collect();
        let random = builder.input("random", Type::new(DType::U32, [4]));
        weights.extend(self.variables(&builder, self.remembered()));
        let metrics = self.metric_states(&builder)?;
        let given = self.given(&builder, given, weighted)?;

        let forward = self.forward(&builder, &weights, &given, Some(random))?;
        let step = Step { iterations, learning_rate };
        let (new_weights, new_slots) = self.update_weights(&weights, &slots, &step, &forward)?;
        let (new_metrics, logs) = self.update_metrics(&metrics, &forward, &given)?;

        let mut outputs = new_weights;
        outputs.extend([iterations + 1.0, learning_rate]);
        outputs.extend(new_slots);
        outputs.push(next_random(random));
        outputs.extend(next_values(self.remembered(), &weights, &forward.updates));
        outputs.extend(new_metrics);
        let state = outputs.len();
        outputs.push(logs);
        Ok(builder.finish_with_state(state, &outputs)?)
    }

    /// The weights that are saved.
    fn saved(&self) -> &[WeightSpec] {
        &self.built.weights[..self.built.saved()]
    }

    /// What layers remember from batch to batch.
    fn remembered(&self) -> &[WeightSpec] {
        &self.built.weights[self.built.saved()..]
    }

    fn compiled(&self) -> Result<&Compiled> {
        self.compiled.ok_or_else(|| Error::NotReady {
            what: "the model is not compiled".to_string(),
            fix: "Call `compile` first: it sets the loss and the optimizer".to_string(),
        })
    }

    fn goals(&self) -> Result<&Goals> {
        self.compiled()?.goals.as_ref().ok_or_else(|| Error::NotReady {
            what: "the loss is not decided".to_string(),
            fix: "Show the model targets first".to_string(),
        })
    }

    /// Variables as inputs, by path.
    fn variables<'b>(&self, builder: &'b Builder, specs: &[WeightSpec]) -> HashMap<String, Expr<'b>> {
        let input =
            |weight: &WeightSpec| (weight.path.clone(), builder.input(&weight.path, weight.ty.clone()));
        specs.iter().map(input).collect()
    }

    /// What a batch brings, the last `weighted` of which are sample weights.
    fn given<'b>(&self, builder: &'b Builder, given: &[Type], weighted: usize) -> Result<Given<'b>> {
        let (x, rest) = given.split_at(self.built.trace.feeds.len().min(given.len()));
        let x = inputs(builder, "x", x);
        let mut y = inputs(builder, "y", rest);
        let weights = y.split_off(y.len().saturating_sub(weighted));
        Ok(Given { x, y, weights: weights.into_iter().map(|weights| weights.cast(DType::F32)).collect() })
    }

    /// What goes in, in the element types that the graph takes.
    fn typed<'b>(&self, x: &[Expr<'b>]) -> Vec<Expr<'b>> {
        x.iter().zip(&self.built.trace.feeds).map(|(x, spec)| x.cast(spec.dtype)).collect()
    }

    /// Predictions and the loss: the compiled one, plus what layers and weights add.
    fn forward<'b>(
        &self,
        builder: &'b Builder,
        weights: &HashMap<String, Expr<'b>>,
        given: &Given<'b>,
        random: Option<Expr<'b>>,
    ) -> Result<Forward<'b>> {
        let mut context = Context::new(builder, weights, random, random.is_some());
        let outputs = self.network.call(&mut context, &self.typed(&given.x))?;
        let mask = |index: usize| context.output_mask(index).flatten();
        let predictions: Vec<Masked<'b>> =
            outputs.into_iter().enumerate().map(|(i, value)| Masked { value, mask: mask(i) }).collect();
        for weight in self.built.weights.iter().filter(|weight| weight.trainable) {
            if let Some(regularizer) = &weight.regularizer {
                context.add_loss(regularizer.penalty(weights[&weight.path]));
            }
        }
        let goals = self.goals()?;
        let mut losses = Vec::new();
        for (goal, prediction) in goals.outputs.iter().zip(&predictions) {
            let (Some(loss), Some(target)) = (&goal.loss, goal.target) else { continue };
            let (y, weights, mask) = (given.y[target], given.weights_for(target), prediction.mask);
            let total = || losses::total(&**loss, y, prediction.value, weights, mask);
            let loss = builder.scope("loss", total).map_err(|error| match goals.outputs.len() {
                1 => error,
                _ => error.within(&goal.name),
            })?;
            losses.push((loss, goal.weight));
        }
        let weighted = |&(loss, weight): &(Expr<'b>, f64)| if weight == 1.0 { loss } else { loss * weight };
        let data_loss = losses.iter().map(weighted).reduce(|sum, loss| sum + loss);
        let loss = data_loss.into_iter().chain(context.total_loss()).reduce(|sum, loss| sum + loss);
        let loss = loss.unwrap_or_else(|| builder.scalar(DType::F32, 0.0));
        let output_losses =
            if goals.outputs.len() > 1 { losses.iter().map(|(loss, _)| *loss).collect() } else { Vec::new() };
        builder.check()?;
        Ok(Forward { predictions, loss, output_losses, updates: context.updates().to_vec() })
    }

    /// The next weights, in the order of the model's, and the next slots.
    fn update_weights<'b>(
        &self,
        weights: &HashMap<String, Expr<'b>>,
        slots: &[Expr<'b>],
        step: &Step<'b>,
        forward: &Forward<'b>,
    ) -> Result<(Vec<Expr<'b>>, Vec<Expr<'b>>)> {
        let trained: Vec<&WeightSpec> = self.built.weights.iter().filter(|weight| weight.trainable).collect();
        let values: Vec<Expr<'b>> = trained.iter().map(|weight| weights[&weight.path]).collect();
        let gradients = grad::gradients(forward.loss, &values)?;
        let optimizer = &self.compiled()?.optimizer;
        let (next, slots) = step
            .iterations
            .builder()
            .scope("optimizer", || optimizer.apply(step, &values, &gradients, slots))?;
        let mut by_path: HashMap<&str, Expr<'b>> =
            forward.updates.iter().map(|(path, value)| (&**path, *value)).collect();
        for (weight, value) in trained.into_iter().zip(next) {
            let projected = weight.constraint.as_ref().map_or(value, |constraint| constraint.project(value));
            by_path.insert(&weight.path, projected);
        }
        let next = |weight: &WeightSpec| by_path.get(&*weight.path).copied().unwrap_or(weights[&weight.path]);
        Ok((self.saved().iter().map(next).collect(), slots))
    }

    /// The variables of each running loss, then those of each metric.
    fn metric_states<'b>(&self, builder: &'b Builder) -> Result<Vec<Vec<Expr<'b>>>> {
        let goals = self.goals()?;
        let input = |owner: &str, variable: &StateSpec| {
            builder.input(&format!("{owner}/{}", variable.name), variable.ty.clone())
        };
        let loss = |_| running_loss().iter().map(|variable| input("loss", variable)).collect();
        let metric = |tracked: &TrackedMetric| {
            tracked.state.iter().map(|variable| input(&tracked.name, variable)).collect()
        };
        let losses = 1 + goals.reported_losses().count();
        Ok((0..losses).map(loss).chain(goals.metrics.iter().map(metric)).collect())
    }

    /// The next values of all these variables, and the logs: the losses and each metric's value, in one vector.
    fn update_metrics<'b>(
        &self,
        states: &[Vec<Expr<'b>>],
        forward: &Forward<'b>,
        given: &Given<'b>,
    ) -> Result<(Vec<Expr<'b>>, Expr<'b>)> {
        let rows = given.x.first().and_then(|x| x.shape().first().copied()).unwrap_or(1) as f64;
        let (mut next, mut logs) = (Vec::new(), Vec::new());
        let losses = [forward.loss].into_iter().chain(forward.output_losses.iter().copied());
        for (loss, state) in losses.clone().zip(states) {
            // Batches count by their size, so that the last, shorter one does not weigh as much as the others.
            let (total, count) = (state[0] + loss * rows, state[1] + rows);
            next.extend([total, count]);
            logs.push((total / count).reshape([1]));
        }
        let goals = self.goals()?;
        for (tracked, state) in goals.metrics.iter().zip(&states[losses.count()..]) {
            let TrackedMetric { metric, weighted, name, output, .. } = tracked;
            let Some(target) = goals.outputs[*output].target else { continue };
            let (y, prediction) = (given.y[target], forward.predictions[*output]);
            let weights = given.weights_for(target).filter(|_| *weighted);
            let mask = prediction.mask.filter(|_| metric.takes_mask());
            let weights = losses::masked(name, weights, mask, DType::F32, false)?;
            let update = || metric.update(state, y, prediction.value, weights);
            let state = y.builder().scope(name, update).map_err(|error| error.within(name))?;
            let result = metric.result(&state)?;
            logs.push(result.cast(DType::F32).reshape([result.ty().elements()]));
            next.extend(state);
        }
        Ok((next, Expr::concat(&logs, 0)))
    }
}

/// The next values of variables: what layers say, or what they were.
fn next_values<'b>(
    specs: &[WeightSpec],
    values: &HashMap<String, Expr<'b>>,
    updates: &[(String, Expr<'b>)],
) -> Vec<Expr<'b>> {
    let update = |spec: &WeightSpec| updates.iter().rev().find(|(path, _)| *path == spec.path);
    specs.iter().map(|spec| update(spec).map_or(values[&spec.path], |(_, value)| *value)).collect()
}

/// The variables of the running loss: the sum over samples, and their number.
pub(crate) fn running_loss() -> [StateSpec; 2] {
    [StateSpec::scalar("total"), StateSpec::scalar("count")]
}

fn inputs<'b>(builder: &'b Builder, name: &str, types: &[Type]) -> Vec<Expr<'b>> {
    types.iter().map(|ty| builder.input(name, ty.clone())).collect()
}

/// The random state `[seed, seed, step, 0]` one step on.
fn next_random(random: Expr<'_>) -> Expr<'_> {
    random + random.constant(Tensor::vector(vec![0u32, 0, 1, 0]))
}
