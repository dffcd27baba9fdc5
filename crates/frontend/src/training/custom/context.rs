//! StepContext: what a step of one's own can ask for, and say, while it is written.

use std::ops::Range;
use std::sync::Arc;

use cornu_ir::{Builder, Expr, Shape, grad};

use super::variables::{Initial, StepVariable, StepVariables};
use crate::error::{Error, Result};
use crate::identifier::Identifier;
use crate::layers::Masked;
use crate::metrics::{Metric, StateSpec};
use crate::model::Model;
use crate::optimizers::{self, Optimizer, SlotSpec, TrainedWeight};
use crate::training::parts::{
    ModelInStep, OptimizerInStep, Random, optimizer_variables, running_mean, update_mean, update_metric,
};

/// The program of one step, as it is being written: see [`super::TrainStep`].
pub struct StepContext<'s, 'b> {
    pub(super) builder: &'b Builder,
    pub(super) models: Vec<(&'s Model, ModelInStep<'s, 'b>)>,
    pub(super) variables: StepVariables<'s, 'b>,
    pub(super) random: Random<'b>,
    pub(super) batch: Vec<Expr<'b>>,
    pub(super) logs: Vec<(String, Expr<'b>)>,
}

impl<'s, 'b> StepContext<'s, 'b> {
    /// The graph, for constants.
    pub fn builder(&self) -> &'b Builder {
        self.builder
    }

    /// The arrays of the batch: `let [x, y] = step.batch()?;`.
    pub fn batch<const K: usize>(&self) -> Result<[Expr<'b>; K]> {
        <[Expr<'b>; K]>::try_from(&self.batch[..]).map_err(|_| Error::Data {
            what: format!("the step takes {K} arrays; it was given {}", self.batch.len()),
        })
    }

    /// Calls a model of one input and one output, in training.
    pub fn call(&mut self, model: &Model, x: Expr<'b>) -> Result<Expr<'b>> {
        Ok(only(model, self.call_with(model, &[x], true)?)?.value)
    }

    /// Calls a model of one input and one output as `predict` does: nothing is dropped, and averages stay.
    pub fn infer(&mut self, model: &Model, x: Expr<'b>) -> Result<Expr<'b>> {
        Ok(only(model, self.call_with(model, &[x], false)?)?.value)
    }

    /// Calls a model. What its layers leave behind, such as moving averages, counts for the calls that follow.
    pub fn call_with(&mut self, model: &Model, x: &[Expr<'b>], training: bool) -> Result<Vec<Masked<'b>>> {
        let number = self.number(model)?;
        let random = training.then_some(&mut self.random);
        let (builder, written) = (self.builder, &mut self.models[number].1);
        builder
            .scope(model.name(), || written.call(x, training, random))
            .map_err(|error| error.within(model.name()))
    }

    /// The loss with what the layers of a model have added to it in the calls so far, and what the sizes of its
    /// weights cost. Keras: the loss plus `sum(model.losses)`.
    pub fn with_added_losses(&self, model: &Model, loss: Expr<'b>) -> Result<Expr<'b>> {
        let added = self.models[self.number(model)?].1.added_loss();
        let both = crate::losses::sum([loss].into_iter().chain(added));
        both.ok_or_else(|| unreachable!("there is one loss at least"))
    }

    /// The weights of a model that training fits, in its order: their values so far.
    pub fn weights(&self, model: &Model) -> Result<Vec<Expr<'b>>> {
        let written = &self.models[self.number(model)?].1;
        Ok(written.fitted().map(|weight| written.begun(&weight.path)).collect())
    }

    /// Sets the weights of a model that training fits, in its order, as for a copy that follows another model slowly.
    pub fn set_weights(&mut self, model: &Model, values: &[Expr<'b>]) -> Result<()> {
        let number = self.number(model)?;
        let written = &mut self.models[number].1;
        let fitted: Vec<_> = written.fitted().collect();
        if fitted.len() != values.len() {
            let (own, given) = (fitted.len(), values.len());
            let what =
                format!("the model `{}` has {own} fitted weights; {given} values are given", model.name());
            return Err(Error::Data { what });
        }
        for (weight, value) in fitted.into_iter().zip(values) {
            if value.ty() != weight.ty {
                return Err(Error::Shapes {
                    what: format!("set_weights: {}", weight.path),
                    left: Box::new(value.ty()),
                    right: Box::new(weight.ty.clone()),
                    fix: "Give every weight its own shape and element type".to_string(),
                });
            }
            written.set(&weight.path, value.detach());
        }
        Ok(())
    }

    /// The derivatives of a scalar, as values of the program, so that a loss may be made of them in turn; zeros where
    /// it does not depend on a value.
    pub fn gradients(&self, of: Expr<'b>, values: &[Expr<'b>]) -> Result<Vec<Expr<'b>>> {
        let gradients = grad::gradients(of, values)?;
        Ok(gradients
            .into_iter()
            .zip(values)
            .map(|(found, value)| found.unwrap_or(value.full_like(0.0)))
            .collect())
    }

    /// An optimizer of the fitted weights of these models, for [`StepContext::minimize`]. It keeps its variables from
    /// run to run; which are whose goes by the order in which optimizers and metrics are asked for.
    pub fn optimizer(
        &mut self,
        optimizer: impl Into<Identifier<dyn Optimizer>>,
        models: &[&Model],
    ) -> Result<StepOptimizer> {
        let optimizer: Arc<dyn Optimizer> = optimizer.into().resolve()?;
        let owners = self.fitted_of(models)?;
        let trained: Vec<TrainedWeight> = owners.iter().map(|(_, _, weight)| weight.clone()).collect();
        let variables =
            self.variables.ask(step_variables(&*optimizer, &optimizer.slots(&trained), &owners))?;
        Ok(StepOptimizer { optimizer, owners, trained, variables })
    }

    /// Makes a loss smaller: one update of the optimizer's weights. Calls that follow see the new weights, and take
    /// them as given: no gradient flows through an update.
    pub fn minimize(&mut self, loss: Expr<'b>, by: &StepOptimizer) -> Result<()> {
        let values: Vec<Expr<'b>> =
            by.owners.iter().map(|(number, path, _)| self.models[*number].1.begun(path)).collect();
        let variables = self.variables.get(by.variables.clone());
        let optimizer = OptimizerInStep::new(&*by.optimizer, &by.trained, &variables);
        let (weights, next) = optimizer.minimize(loss, &values)?;
        for ((number, path, _), value) in by.owners.iter().zip(weights) {
            self.models[*number].1.set(path, value.detach());
        }
        self.variables.set(by.variables.clone(), next.into_iter().map(Expr::detach));
        Ok(())
    }

    /// Reports a number of this step; of several by one name the last.
    pub fn log(&mut self, name: &str, value: Expr<'b>) {
        self.logs.retain(|(other, _)| other != name);
        self.logs.push((name.to_string(), value));
    }

    /// Reports the mean of a number over all samples since metrics were reset, as `fit` reports its loss.
    pub fn log_mean(&mut self, name: &str, value: Expr<'b>) -> Result<()> {
        let variables = self.metric_variables(name, running_mean())?;
        let rows = self.batch.first().and_then(|x| x.shape().first().copied()).unwrap_or(1);
        let (next, mean) = update_mean(&self.variables.get(variables.clone()), value, rows);
        self.variables.set(variables, next);
        self.log(name, mean);
        Ok(())
    }

    /// Reports a metric, which counts since metrics were reset.
    pub fn log_metric(&mut self, metric: &dyn Metric, y_true: Expr<'b>, y_pred: Expr<'b>) -> Result<()> {
        let name = metric.name();
        let variables = self.metric_variables(&name, metric.state(&y_pred.ty())?)?;
        let state = self.variables.get(variables.clone());
        let (next, value) = update_metric((&name, metric), &state, y_true, y_pred.into(), None)?;
        self.variables.set(variables, next);
        self.log(&name, value);
        Ok(())
    }

    /// Uniform random floats in [0, 1), new in every step.
    pub fn random_uniform(&mut self, shape: impl Into<Shape>) -> Result<Expr<'b>> {
        self.random.draw(self.builder, |context| context.random_uniform(&shape.into(), None))
    }

    /// Normal random floats of mean 0 and standard deviation 1, new in every step.
    pub fn random_normal(&mut self, shape: impl Into<Shape>) -> Result<Expr<'b>> {
        self.random.draw(self.builder, |context| context.random_normal(&shape.into(), None))
    }

    fn metric_variables(
        &mut self,
        name: &str,
        state: impl IntoIterator<Item = StateSpec>,
    ) -> Result<Range<usize>> {
        let variable = |spec: StateSpec| StepVariable {
            name: format!("{name}/{}", spec.name),
            ty: spec.ty,
            initial: Initial::Fill(spec.initial),
            is_metric: true,
        };
        self.variables.ask(state.into_iter().map(variable).collect())
    }

    /// The fitted weights of models: the model's number, the path in it, and what optimizers know.
    fn fitted_of(&self, models: &[&Model]) -> Result<Vec<Owned>> {
        let mut fitted = Vec::new();
        for model in models {
            let number = self.number(model)?;
            for weight in self.models[number].1.fitted() {
                let mut trained = TrainedWeight::from(weight);
                if models.len() > 1 {
                    trained.path = format!("{}/{}", model.name(), weight.path);
                }
                fitted.push((number, weight.path.clone(), trained));
            }
        }
        Ok(fitted)
    }

    /// The place of a model among those of the step.
    fn number(&self, model: &Model) -> Result<usize> {
        let found = self.models.iter().position(|(own, _)| std::ptr::eq(*own, model));
        found.ok_or_else(|| Error::Data {
            what: format!("the model `{}` is not one of those that the step runs with", model.name()),
        })
    }
}

/// An optimizer in a step, with the weights that it updates.
pub struct StepOptimizer {
    optimizer: Arc<dyn Optimizer>,
    owners: Vec<Owned>,
    trained: Vec<TrainedWeight>,
    /// The places of its variables among those of the step.
    variables: Range<usize>,
}

/// A fitted weight: the number of its model, its path there, and what an optimizer knows of it.
type Owned = (usize, String, TrainedWeight);

/// The variables that an optimizer of these weights keeps.
fn step_variables(optimizer: &dyn Optimizer, slots: &[SlotSpec], owners: &[Owned]) -> Vec<StepVariable> {
    let initial = |place: usize| match place {
        0 => Initial::Fill(0.0),
        1 => Initial::Fill(optimizer.learning_rate()),
        _ => {
            match (slots[place - 2].initial, slots[place - 2].weight.and_then(|weight| owners.get(weight))) {
                (optimizers::Initial::Fill(value), _) => Initial::Fill(value),
                (optimizers::Initial::Weight, Some((model, path, _))) => {
                    Initial::Weight(*model, path.clone())
                }
                (optimizers::Initial::Weight, None) => Initial::Fill(0.0),
            }
        }
    };
    let variable = |(place, (name, ty)): (usize, (&str, cornu_ir::Type))| StepVariable {
        name: format!("{}/{name}", optimizer.name()),
        ty,
        initial: initial(place),
        is_metric: false,
    };
    optimizer_variables(slots).enumerate().map(variable).collect()
}

fn only<'b>(model: &Model, outputs: Vec<Masked<'b>>) -> Result<Masked<'b>> {
    match outputs[..] {
        [output] => Ok(output),
        _ => Err(Error::Data {
            what: format!(
                "the model `{}` has {} outputs; use `call_with`, which gives all of them",
                model.name(),
                outputs.len()
            ),
        }),
    }
}
