//! Goals: what the names given to `compile` mean, once outputs and targets are known.

use std::sync::Arc;

use cornu_ir::{Builder, Type};

use super::compile::Compile;
use crate::error::{Error, Result};
use crate::losses::Loss;
use crate::metrics::{Metric, StateSpec};

/// What is made small, and what is watched.
pub(crate) struct Goals {
    /// For each output of the model, in order.
    pub(crate) outputs: Vec<OutputGoal>,
    pub(crate) metrics: Vec<TrackedMetric>,
}

/// What is wanted of one output.
pub(crate) struct OutputGoal {
    pub(crate) name: String,
    /// The number of its array among the targets; `None` if it needs none.
    pub(crate) target: Option<usize>,
    pub(crate) loss: Option<Arc<dyn Loss>>,
    /// How much the loss counts.
    pub(crate) weight: f64,
}

/// A metric with the name it is reported under.
#[derive(Clone)]
pub(crate) struct TrackedMetric {
    pub(crate) name: String,
    pub(crate) metric: Arc<dyn Metric>,
    /// Its variables.
    pub(crate) state: Vec<StateSpec>,
    /// The number of values that it reports if these are a vector.
    pub(crate) parts: Option<usize>,
    pub(crate) weighted: bool,
    /// The number of the output it is about.
    pub(crate) output: usize,
}

impl Goals {
    /// The outputs whose losses are reported by themselves: all that have one, if there are several outputs.
    pub(crate) fn reported_losses(&self) -> impl Iterator<Item = usize> + '_ {
        let several = self.outputs.len() > 1;
        (0..self.outputs.len()).filter(move |&output| several && self.outputs[output].loss.is_some())
    }

    /// Names of the numbers that a step reports, in order.
    pub(crate) fn log_names(&self) -> impl Iterator<Item = String> + '_ {
        let losses = self.reported_losses().map(|output| format!("{}_loss", self.outputs[output].name));
        let metrics = self.metrics.iter().flat_map(TrackedMetric::log_names);
        ["loss".to_string()].into_iter().chain(losses).chain(metrics)
    }
}

impl TrackedMetric {
    /// A metric of an output with predictions of this type.
    fn new(
        name: String,
        metric: Arc<dyn Metric>,
        weighted: bool,
        (output, y_pred): (usize, &Type),
    ) -> Result<TrackedMetric> {
        let state = metric.state(y_pred).map_err(|error| error.within(&name))?;
        let builder = Builder::new();
        let variables: Vec<_> =
            state.iter().map(|variable| builder.input(&variable.name, variable.ty.clone())).collect();
        let result = metric.result(&variables).map_err(|error| error.within(&name))?;
        builder.check()?;
        let parts = (result.rank() > 0).then(|| result.ty().elements());
        Ok(TrackedMetric { name, metric, state, parts, weighted, output })
    }

    /// Whether the number of this name in the logs is one of its values.
    pub(crate) fn reports(&self, name: &str) -> bool {
        self.log_names().iter().any(|own| own == name)
    }

    /// What its values are reported under: `f1_score[0]`, `f1_score[1]` for those of a vector.
    fn log_names(&self) -> Vec<String> {
        match self.parts {
            Some(count) => (0..count).map(|part| format!("{}[{part}]", self.name)).collect(),
            None => vec![self.name.clone()],
        }
    }
}

impl Goals {
    /// What is wanted of each output. With a target for every output they belong together in order; with fewer, to
    /// the outputs of which something is wanted.
    pub(super) fn decide(
        given: &Compile,
        names: &[String],
        outputs: &[Type],
        targets: &[Type],
    ) -> Result<Goals> {
        let losses = given.loss.for_outputs("loss", names)?;
        let plain = given.metrics.for_outputs("metrics", names)?;
        let weighted = given.weighted_metrics.for_outputs("weighted_metrics", names)?;
        let weights = match &given.loss_weights {
            Some(weights) => weights.for_outputs("loss_weights", names)?,
            None => vec![None; names.len()],
        };
        let is_wanted = |&output: &usize| {
            let watched = [&plain, &weighted].into_iter().flat_map(|metrics| &metrics[output]).flatten();
            losses[output].is_some() || watched.count() > 0
        };
        let wanted: Vec<usize> = (0..names.len()).filter(is_wanted).collect();
        let places = places(names.len(), &wanted, targets.len())?;
        let mut goals = Goals { outputs: Vec::new(), metrics: Vec::new() };
        for (output, name) in names.iter().enumerate() {
            let loss = match (&losses[output], places[output]) {
                (Some(loss), Some(target)) => Some(loss.resolve(&targets[target], &outputs[output])?),
                (_, _) => None,
            };
            let weight = weights[output].unwrap_or(1.0);
            goals.outputs.push(OutputGoal { name: name.clone(), target: places[output], loss, weight });
        }
        if goals.outputs.iter().all(|goal| goal.loss.is_none()) {
            return Err(Error::config("compile", "loss", "none", "a loss for at least one output"));
        }
        // As in Keras first all metrics that samples count in alike, which decides about names.
        for (metrics, is_weighted) in [(&plain, false), (&weighted, true)] {
            for (output, metrics) in metrics.iter().enumerate() {
                let Some(target) = places[output] else { continue };
                for metric in metrics.iter().flatten() {
                    let (own, metric) = metric.resolve(&targets[target], &outputs[output])?;
                    let prefix = if names.len() > 1 { format!("{}_", names[output]) } else { String::new() };
                    let name = unused_name(&goals.metrics, &prefix, &own, is_weighted);
                    let of = (output, &outputs[output]);
                    goals.metrics.push(TrackedMetric::new(name, metric, is_weighted, of)?);
                }
            }
        }
        Ok(goals)
    }
}

/// For each output the number of its target: in order, if there is one for every output, else in the order of those
/// of which something is wanted.
fn places(outputs: usize, wanted: &[usize], targets: usize) -> Result<Vec<Option<usize>>> {
    if targets == outputs {
        return Ok((0..outputs).map(Some).collect());
    }
    if targets == wanted.len() {
        return Ok((0..outputs).map(|output| wanted.iter().position(|&wanted| wanted == output)).collect());
    }
    let what = format!("the model has {outputs} outputs; {targets} arrays of targets are given");
    Err(Error::Data { what })
}

/// Keras's rule for a name that is taken: the weighted one says so, others are numbered.
fn unused_name(metrics: &[TrackedMetric], prefix: &str, own: &str, weighted: bool) -> String {
    let is_taken = |name: &str| metrics.iter().any(|metric| metric.name == name);
    let name = format!("{prefix}{own}");
    let name = if weighted && is_taken(&name) { format!("{prefix}weighted_{own}") } else { name };
    let numbered = (1..).map(|number| format!("{name}_{number}"));
    [name.clone()].into_iter().chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}
