//! Goals: what the names given to `compile` mean, once outputs and targets are known.

use std::sync::Arc;

use cornu_ir::Type;

use super::compile::Compile;
use crate::error::{Error, Result};
use crate::losses::Loss;
use crate::metrics::Metric;

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
        let metrics = self.metrics.iter().map(|metric| metric.name.clone());
        ["loss".to_string()].into_iter().chain(losses).chain(metrics)
    }
}

impl Goals {
    /// What is wanted of each output. With a target for every output they belong together in order; with fewer, to the
    /// outputs of which something is wanted.
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
        let is_wanted = |output: usize| {
            let watched = [&plain, &weighted].into_iter().flat_map(|metrics| &metrics[output]).flatten();
            losses[output].is_some() || watched.count() > 0
        };
        let wanted: Vec<usize> = (0..names.len()).filter(|&output| is_wanted(output)).collect();
        let target = |output: usize| match targets.len() {
            count if count == names.len() => Some(output),
            _ => wanted.iter().position(|&wanted| wanted == output),
        };
        if targets.len() != names.len() && targets.len() != wanted.len() {
            let what = format!(
                "the model has {} outputs; {} arrays of targets are given",
                names.len(),
                targets.len()
            );
            return Err(Error::Data { what });
        }
        let mut goals = Goals { outputs: Vec::new(), metrics: Vec::new() };
        for (output, name) in names.iter().enumerate() {
            let target = target(output);
            let types = target.map(|target| (&targets[target], &outputs[output]));
            let loss = match (&losses[output], types) {
                (Some(loss), Some((target, ty))) => Some(loss.resolve(target, ty)?),
                (_, _) => None,
            };
            goals.outputs.push(OutputGoal {
                name: name.clone(),
                target,
                loss,
                weight: weights[output].unwrap_or(1.0),
            });
            let plain = plain[output].iter().flatten().map(|metric| (metric, false));
            let weighted = weighted[output].iter().flatten().map(|metric| (metric, true));
            for (metric, weighted) in plain.chain(weighted) {
                let Some((target, ty)) = types else { continue };
                let (own, metric) = metric.resolve(target, ty)?;
                let prefixed = if names.len() > 1 { format!("{name}_{own}") } else { own };
                let name = unused_name(&goals.metrics, prefixed, weighted);
                goals.metrics.push(TrackedMetric { name, metric, weighted, output });
            }
        }
        if goals.outputs.iter().all(|goal| goal.loss.is_none()) {
            return Err(Error::config("compile", "loss", "none", "a loss for at least one output"));
        }
        Ok(goals)
    }
}

/// Keras's rule for a name that is taken: the weighted one says so, others are numbered.
fn unused_name(metrics: &[TrackedMetric], name: String, weighted: bool) -> String {
    let is_taken = |name: &str| metrics.iter().any(|metric| metric.name == name);
    let name = if weighted && is_taken(&name) { format!("weighted_{name}") } else { name };
    let numbered = (1..).map(|number| format!("{name}_{number}"));
    [name.clone()].into_iter().chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}
