//! Steps: the graphs of one training step, one test batch, one prediction. Each is one program.

use std::collections::HashMap;

use cornu_ir::{Builder, DType, Expr, Graph, Tensor, Type, grad};

use super::compile::{Compiled, Goals, TrackedMetric};
use crate::error::{Error, Result};
use crate::layers::{Context, WeightSpec};
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
    y: Expr<'b>,
    weights: Option<Expr<'b>>,
}

/// The outcome of the forward pass and the loss.
struct Forward<'b> {
    prediction: Expr<'b>,
    loss: Expr<'b>,
    updates: Vec<(String, Expr<'b>)>,
}

impl StepWriter<'_> {
    /// Inputs: weights, then x. Outputs: predictions.
    pub(crate) fn predict(&self, given: &[Type]) -> Result<Graph> {
        let builder = Builder::new();
        let weights = self.weights(&builder);
        let x = inputs(&builder, "x", given);
        let mut context = Context::new(&builder, &weights, None, false);
        let outputs = self.network.call(&mut context, &self.typed(&x))?;
        Ok(builder.finish(&outputs)?)
    }

    /// State: running loss and metrics. Inputs: weights, x, y, sample weights. Output: the logs.
    pub(crate) fn test(&self, given: &[Type], weighted: bool) -> Result<Graph> {
        let builder = Builder::new();
        let metrics = self.metric_states(&builder)?;
        let weights = self.weights(&builder);
        let given = self.given(&builder, given, weighted)?;
        let forward = self.forward(&builder, &weights, &given, None)?;
        let (mut outputs, logs) = self.update_metrics(&metrics, &forward, &given)?;
        let state = outputs.len();
        outputs.push(logs);
        Ok(builder.finish_with_state(state, &outputs)?)
    }

    /// State: as [`Compiled`] lists it. Inputs: x, y, sample weights. Output: the logs, from before the update.
    pub(crate) fn train(&self, given: &[Type], weighted: bool) -> Result<Graph> {
        let builder = Builder::new();
        let compiled = self.compiled()?;
        let weights = self.weights(&builder);
        let iterations = builder.input("iterations", Type::scalar(DType::I32));
        let learning_rate = builder.input("learning_rate", Type::scalar(DType::F32));
        let slots: Vec<Expr<'_>> =
            compiled.slots.iter().map(|slot| builder.input(&slot.name, slot.ty.clone())).collect();
        let random = builder.input("random", Type::new(DType::U32, [4]));
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
        outputs.extend(new_metrics);
        let state = outputs.len();
        outputs.push(logs);
        Ok(builder.finish_with_state(state, &outputs)?)
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

    /// The model's weights as inputs, by path.
    fn weights<'b>(&self, builder: &'b Builder) -> HashMap<String, Expr<'b>> {
        let input =
            |weight: &WeightSpec| (weight.path.clone(), builder.input(&weight.path, weight.ty.clone()));
        self.built.weights.iter().map(input).collect()
    }

    fn given<'b>(&self, builder: &'b Builder, given: &[Type], weighted: bool) -> Result<Given<'b>> {
        let (x, rest) = given.split_at(self.built.inputs.len().min(given.len()));
        let x = inputs(builder, "x", x);
        let mut rest = inputs(builder, "y", rest);
        let weights = if weighted { rest.pop() } else { None };
        let [y] = rest[..] else {
            return Err(Error::Data {
                what: format!("one array of targets is needed; {} were given", rest.len()),
            });
        };
        Ok(Given { x, y, weights: weights.map(|weights| weights.cast(DType::F32)) })
    }

    /// Inputs in the element types that the model takes.
    fn typed<'b>(&self, x: &[Expr<'b>]) -> Vec<Expr<'b>> {
        x.iter().zip(&self.built.inputs).map(|(x, spec)| x.cast(spec.dtype)).collect()
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
        let prediction = crate::layers::only(&outputs)?;
        for weight in self.built.weights.iter().filter(|weight| weight.trainable) {
            if let Some(regularizer) = &weight.regularizer {
                context.add_loss(regularizer.penalty(weights[&weight.path]));
            }
        }
        let loss = &*self.goals()?.loss;
        let data_loss =
            builder.scope("loss", || losses::total(loss, given.y, prediction, given.weights, None))?;
        let loss = context.total_loss().map_or(data_loss, |extra| data_loss + extra);
        builder.check()?;
        Ok(Forward { prediction, loss, updates: context.updates().to_vec() })
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
        Ok((self.built.weights.iter().map(next).collect(), slots))
    }

    /// The variables of the running loss, then those of each metric.
    fn metric_states<'b>(&self, builder: &'b Builder) -> Result<Vec<Vec<Expr<'b>>>> {
        let compiled = self.compiled()?;
        let input = |owner: &str, variable: &StateSpec| {
            builder.input(&format!("{owner}/{}", variable.name), variable.ty.clone())
        };
        let loss = running_loss().iter().map(|variable| input("loss", variable)).collect();
        let metrics = compiled.metrics().iter().map(|tracked| {
            tracked.metric.state().iter().map(|variable| input(&tracked.name, variable)).collect()
        });
        Ok([loss].into_iter().chain(metrics).collect())
    }

    /// The next values of all these variables, and the logs: the loss and each metric's value, in one vector.
    fn update_metrics<'b>(
        &self,
        states: &[Vec<Expr<'b>>],
        forward: &Forward<'b>,
        given: &Given<'b>,
    ) -> Result<(Vec<Expr<'b>>, Expr<'b>)> {
        let rows = given.y.shape().first().copied().unwrap_or(1) as f64;
        // Batches count by their size, so that the last, shorter one does not weigh as much as the others.
        let (total, count) = (states[0][0] + forward.loss * rows, states[0][1] + rows);
        let mut next = vec![total, count];
        let mut logs = vec![(total / count).reshape([1])];
        for (tracked, state) in self.compiled()?.metrics().iter().zip(&states[1..]) {
            let TrackedMetric { metric, weighted, name } = tracked;
            let weights = given.weights.filter(|_| *weighted);
            let builder = given.y.builder();
            let update = || metric.update(state, given.y, forward.prediction, weights);
            let state = builder.scope(name, update).map_err(|error| error.within(name))?;
            let result = metric.result(&state)?;
            logs.push(result.cast(DType::F32).reshape([result.ty().elements()]));
            next.extend(state);
        }
        Ok((next, Expr::concat(&logs, 0)))
    }
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
