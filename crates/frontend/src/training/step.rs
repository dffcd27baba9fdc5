//! Steps: the graphs of one training step, one test batch, one prediction. Each is one program.

use cornu_ir::{Builder, DType, Expr, Graph, Type, grad};

use super::compile::Compiled;
use super::goals::{Goals, TrackedMetric};
use super::parts::{
    ModelInStep, OptimizerInStep, Random, inputs, optimizer_variables, running_mean, update_mean,
    update_metric,
};
use crate::error::{Error, Result};
use crate::layers::Masked;
use crate::losses;
use crate::metrics::StateSpec;
use crate::model::{Built, Network};

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
}

impl StepWriter<'_> {
    /// State: what layers remember. Inputs: weights, then x. Outputs: predictions.
    pub(crate) fn predict(&self, given: &[Type]) -> Result<Graph> {
        let builder = Builder::new();
        let mut model = ModelInStep::new(&builder, self.network, self.built);
        model.add_remembered();
        model.add_saved();
        let x = inputs(&builder, "x", given);
        let predictions = model.call(&x, false, None)?;
        let mut outputs: Vec<Expr<'_>> = model.next_remembered().collect();
        let state = outputs.len();
        outputs.extend(predictions.into_iter().map(|prediction| prediction.value));
        Ok(builder.finish_with_state(state, &outputs)?)
    }

    /// State: what layers remember, running losses and metrics. Inputs: weights, x, y, sample weights. Output: the
    /// logs.
    pub(crate) fn test(&self, given: &[Type], weighted: usize) -> Result<Graph> {
        let builder = Builder::new();
        let mut model = ModelInStep::new(&builder, self.network, self.built);
        model.add_remembered();
        let metrics = self.metric_states(&builder)?;
        model.add_saved();
        let given = self.given(&builder, given, weighted);
        let forward = self.forward(&builder, &mut model, &given, None)?;
        let (new_metrics, logs) = self.update_metrics(&metrics, &forward, &given)?;
        let mut outputs: Vec<Expr<'_>> = model.next_remembered().collect();
        outputs.extend(new_metrics);
        let state = outputs.len();
        outputs.push(logs);
        Ok(builder.finish_with_state(state, &outputs)?)
    }

    /// State: as [`Compiled`] lists it. Inputs: x, y, sample weights. Output: the logs, from before the update.
    pub(crate) fn train(&self, given: &[Type], weighted: usize) -> Result<Graph> {
        self.train_in(&Builder::new(), given, weighted)
    }

    /// [`StepWriter::train`] in a builder that can be asked for what layers noted in it.
    pub(super) fn train_in(&self, builder: &Builder, given: &[Type], weighted: usize) -> Result<Graph> {
        let Compiled { optimizer, trained, slots, .. } = self.compiled()?;
        let mut model = ModelInStep::new(builder, self.network, self.built);
        model.add_saved();
        let variables: Vec<Expr<'_>> =
            optimizer_variables(slots).map(|(name, ty)| builder.input(name, ty)).collect();
        let optimizer = OptimizerInStep::new(&**optimizer, trained, &variables);
        let mut random = Random::new(builder.input("random", Random::ty()));
        model.add_remembered();
        let metrics = self.metric_states(builder)?;
        let given = self.given(builder, given, weighted);

        let forward = self.forward(builder, &mut model, &given, Some(&mut random))?;
        let values: Vec<Expr<'_>> = trained.iter().map(|weight| model.begun(&weight.path)).collect();
        let (weights, variables) = optimizer.minimize(forward.loss, &values)?;
        trained.iter().zip(weights).for_each(|(weight, value)| model.set(&weight.path, value));
        let (new_metrics, logs) = self.update_metrics(&metrics, &forward, &given)?;

        let mut outputs: Vec<Expr<'_>> = model.next_saved().collect();
        outputs.extend(variables);
        outputs.push(random.next());
        outputs.extend(model.next_remembered());
        outputs.extend(new_metrics);
        let state = outputs.len();
        outputs.push(logs);
        Ok(builder.finish_with_state(state, &outputs)?)
    }

    /// Inputs: the saved weights, the random state, what layers remember, x, y, sample weights. Outputs: the loss of a
    /// training step, and its derivative by each weight that is trained.
    pub(super) fn gradients(&self, given: &[Type], weighted: usize) -> Result<Graph> {
        let builder = Builder::new();
        let mut model = ModelInStep::new(&builder, self.network, self.built);
        model.add_saved();
        let mut random = Random::new(builder.input("random", Random::ty()));
        model.add_remembered();
        let given = self.given(&builder, given, weighted);
        let forward = self.forward(&builder, &mut model, &given, Some(&mut random))?;
        let trained = &self.compiled()?.trained;
        let values: Vec<Expr<'_>> = trained.iter().map(|weight| model.begun(&weight.path)).collect();
        let gradients = grad::gradients(forward.loss, &values)?.into_iter().zip(&values);
        let gradients = gradients.map(|(gradient, value)| gradient.unwrap_or_else(|| value.full_like(0.0)));
        let outputs: Vec<Expr<'_>> = [forward.loss].into_iter().chain(gradients).collect();
        Ok(builder.finish(&outputs)?)
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

    /// What a batch brings, the last `weighted` of which are sample weights.
    fn given<'b>(&self, builder: &'b Builder, given: &[Type], weighted: usize) -> Given<'b> {
        let (x, rest) = given.split_at(self.built.trace.feeds.len().min(given.len()));
        let x = inputs(builder, "x", x);
        let mut y = inputs(builder, "y", rest);
        let weights = y.split_off(y.len().saturating_sub(weighted));
        Given { x, y, weights: weights.into_iter().map(|weights| weights.cast(DType::F32)).collect() }
    }

    /// Predictions and the loss: the compiled one, plus what layers and weights add. Random numbers are there in
    /// training.
    fn forward<'b>(
        &self,
        builder: &'b Builder,
        model: &mut ModelInStep<'_, 'b>,
        given: &Given<'b>,
        random: Option<&mut Random<'b>>,
    ) -> Result<Forward<'b>> {
        let predictions = model.call(&given.x, random.is_some(), random)?;
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
        let data_loss = losses::sum(losses.iter().map(weighted));
        let loss = losses::sum(data_loss.into_iter().chain(model.added_loss()));
        let loss = loss.unwrap_or_else(|| builder.scalar(DType::F32, 0.0));
        let output_losses =
            if goals.outputs.len() > 1 { losses.iter().map(|(loss, _)| *loss).collect() } else { Vec::new() };
        builder.check()?;
        Ok(Forward { predictions, loss, output_losses })
    }

    /// The variables of each running loss, then those of each metric.
    fn metric_states<'b>(&self, builder: &'b Builder) -> Result<Vec<Vec<Expr<'b>>>> {
        let goals = self.goals()?;
        let input = |owner: &str, variable: &StateSpec| {
            builder.input(&format!("{owner}/{}", variable.name), variable.ty.clone())
        };
        let loss = |_| running_mean().iter().map(|variable| input("loss", variable)).collect();
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
        let rows = given.x.first().and_then(|x| x.shape().first().copied()).unwrap_or(1);
        let (mut next, mut logs) = (Vec::new(), Vec::new());
        let losses = [forward.loss].into_iter().chain(forward.output_losses.iter().copied());
        for (loss, state) in losses.clone().zip(states) {
            let (state, mean) = update_mean(state, loss, rows);
            next.extend(state);
            logs.push(mean.reshape([1]));
        }
        let goals = self.goals()?;
        for (tracked, state) in goals.metrics.iter().zip(&states[losses.count()..]) {
            let TrackedMetric { metric, weighted, name, output, .. } = tracked;
            let Some(target) = goals.outputs[*output].target else { continue };
            let (y, prediction) = (given.y[target], forward.predictions[*output]);
            let weights = given.weights_for(target).filter(|_| *weighted);
            let (state, log) = update_metric((name, &**metric), state, y, prediction, weights)?;
            next.extend(state);
            logs.push(log);
        }
        Ok((next, Expr::concat(&logs, 0)))
    }
}
